"""Camera models: how bearings become pixels and pixels bearings."""
