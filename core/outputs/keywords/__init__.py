"""Keywords in the metadata of photos, for photo managers; pixels and the user's own keywords are never changed.

exiftool writes them (https://exiftool.org); a namespace of our own records which keywords are Fovea's.
"""
