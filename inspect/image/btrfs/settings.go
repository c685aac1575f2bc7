package btrfs

import "strconv"

// settings are what the superblock tells of the filesystem's size and form.
func (sb *superblock) settings() map[string]string {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	m := map[string]string{
		"checksum":    sb.sum.name,
		"sector_size": number(uint64(sb.sectorSize)),
		"node_size":   number(uint64(sb.nodeSize)),
		"total_bytes": number(le.Uint64(sb.raw[0x70:])),
		"devices":     number(sb.devices),
		"device_id":   number(sb.deviceID),
		"device_uuid": formatUUID(sb.deviceUUID()),
	}
	if sb.flags&flagSeeding != 0 {
		m["seeding"] = "yes"
	}
	if sb.flags&flagErrors != 0 {
		m["state"] = "with errors"
	}
	if sb.incompat&incompatMetadataUUID != 0 {
		m["metadata_uuid"] = formatUUID(sb.nodeUUID())
	}
	if sb.problem != "" {
		m["superblock"] = sb.problem
	}
	return m
}
