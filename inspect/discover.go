package inspect

import "slices"

// gptNoAuto is the attribute by which a partition asks not to be found by its
// type: the Discoverable Partitions Specification.
const gptNoAuto = 1 << 63

// partitionTypes are the places of the Discoverable Partitions Specification
// (uapi-group.org/specifications, discoverable_partitions_specification) by
// GPT's type. The root and /usr of one architecture are as good as of another:
// an image holds one.
func partitionTypes() map[string]string {
	return map[string]string{
		"4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "/",    // x86-64
		"44479540-f297-41b2-9af7-d131d5f0458a": "/",    // x86
		"b921b045-1df0-41c3-af44-4c6f280d3fae": "/",    // arm64
		"69dad710-2ce4-4e3c-b16c-21a1d49abed3": "/",    // arm
		"72ec70a6-cf74-40e6-bd49-4bda08e8f224": "/",    // riscv64
		"5eead9a9-fe09-4a1e-a1d7-520d00531306": "/",    // s390x
		"c31c45e6-3f39-412e-80fb-4809c4980599": "/",    // ppc64le
		"77055800-792c-4f94-b39a-98c91b762bb6": "/",    // loongarch64
		"8484680c-9521-48c6-9c11-b0720656f69e": "/usr", // x86-64
		"75250d76-8cc6-458e-bd66-bd47cc81a812": "/usr", // x86
		"b0e01050-ee5f-4390-949a-9101b17104e9": "/usr", // arm64
		"7d0359a3-02b3-4f0a-865c-654403e70625": "/usr", // arm
		"beaec34b-8442-439b-a40b-984381ed097d": "/usr", // riscv64
		"8a4f5770-50aa-4ed3-874a-99b710db6fea": "/usr", // s390x
		"15bb03af-77e7-4d4a-b12b-c0d084f7491c": "/usr", // ppc64le
		"933ac7e1-2eb4-4f13-b844-0e14e2aef915": "/home",
		"3b8f8425-20e0-4f3b-907f-1a25a76f98e8": "/srv",
		"4d21b016-b534-45c2-a9fb-5c16e091fd2d": "/var",
		"7ec6f557-3bc5-4aca-b293-16ef5df639d1": "/var/tmp",
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "/efi",
		"bc13c2ff-59e6-4262-a352-b275fd6f7172": "/boot",
	}
}

// discovered is where the type of its partition puts a volume; empty for nowhere.
func (in *inspection) discovered(v *volume) string {
	p := in.partition(in.carrier(v))
	if p == nil || in.report.Disk.PartitionTable != "gpt" || p.Attributes&gptNoAuto != 0 {
		return ""
	}
	return partitionTypes()[p.Type]
}

// discoveredIn is the place of v in a root as systemd-gpt-auto-generator(8)
// chooses it: the EFI system partition goes to /boot where there is no /efi, and no
// partition that belongs there.
func (in *inspection) discoveredIn(root branch, v *volume) string {
	dir := in.discovered(v)
	taken := func(o *volume) bool { return in.discovered(o) == "/boot" }
	if dir == "/efi" && !root.has("/efi") && root.has("/boot") && !slices.ContainsFunc(in.volumes, taken) {
		return "/boot"
	}
	return dir
}
