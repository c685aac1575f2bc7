package lvm

// Checksum lets tests make what they changed believable.
func Checksum(b []byte) uint32 { return checksum(b) }
