// The CDK's template validator is WebAssembly that runs for a second or two. V8's optimizing
// compiler takes longer for it than it saves: its baseline compiler is enough.
const v8 = require("node:v8");
v8.setFlagsFromString("--no-wasm-dynamic-tiering");
v8.setFlagsFromString("--no-wasm-tier-up");
