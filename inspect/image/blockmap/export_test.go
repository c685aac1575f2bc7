package blockmap

// Forget empties the cache, for tests of what is kept elsewhere.
func (d *Device) Forget() { d.cache = Cache{} }
