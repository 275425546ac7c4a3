"""Keywords in photos' metadata, as photo managers read them; pixels are never touched and nothing of the person's lost.

exiftool writes them (https://exiftool.org); what is whose stands in a namespace of our own.
"""
