"""A report as a browser takes it."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Attributes, tags, visible text and embedded figures of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: list[str] = []
        self.text = ""
        self.figures: dict[str, str] = {}
        self.ids: list[str] = []
        self._open: dict[str, str | None] = {}
        self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        self.tags.append(tag)
        self._tag, self._open = tag, dict(attrs)
        if "id" in self._open:
            self.ids.append(self._open["id"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag == "script":
            key = self._open.get("id")
            if key is not None:
                self.figures[key] = data
        elif self._tag != "style":
            self.text += data + " "
