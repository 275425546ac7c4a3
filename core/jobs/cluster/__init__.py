"""The same decoding and engine on the machines of a Ray cluster, over folders here or in an object store."""
