"""Names, paths and file formats that the containers, the pipeline and the Lambdas agree on.

Standard library only, and no work at import: the same modules are used in the images, at synth
and in tests. Writer and reader of each format live in the same file.
"""
