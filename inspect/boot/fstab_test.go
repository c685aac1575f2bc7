package boot

import (
	"reflect"
	"testing"

	"github.com/assay-os/assay/report"
)

func TestFstab(t *testing.T) {
	got, err := parseFstab([]byte("# device\nUUID=a-b / ext4 errors=remount-ro 0 1\n/dev/sr0\t/media/cd\\040rom udf,iso9660 user,noauto\nproc /proc proc\nx /y auto ro 1 # why\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []report.FstabEntry{
		{Spec: "UUID=a-b", File: "/", VfsType: "ext4", Options: "errors=remount-ro", Passno: 1},
		{Spec: "/dev/sr0", File: "/media/cd rom", VfsType: "udf,iso9660", Options: "user,noauto"},
		{Spec: "proc", File: "/proc", VfsType: "proc", Options: "defaults"},
		{Spec: "x", File: "/y", VfsType: "auto", Options: "ro", Freq: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
