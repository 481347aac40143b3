"""Speed and memory, each figure beside a floor that the same run measured."""
