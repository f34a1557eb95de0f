"""Its presence makes the kits of this folder importable from the folders below."""
