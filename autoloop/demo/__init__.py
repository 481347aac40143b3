"""The demo: the main job end to end, on data of its own, judged at the end."""
