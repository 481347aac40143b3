"""Ground floor: databases, due work, tasks, clocks, keys. No word of the product's domain."""
