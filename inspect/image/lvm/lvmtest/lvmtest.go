// Package lvmtest makes volume groups in image files by lvm2's own tools, on
// loop devices, without a device mapper in the kernel.
package lvmtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// A Place is where a physical volume lies in an image file, in bytes.
type Place struct{ Offset, Size int64 }

// A Host runs lvm2 on the places of one image file. Nothing else on the
// machine is touched: lvm2 sees only the host's loop devices.
type Host struct {
	t     testing.TB
	path  string
	loops []string
	at    map[string]Place
}

// New attaches the places of the file at path, in their order.
func New(t testing.TB, path string, places ...Place) *Host {
	t.Helper()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "lvm", "losetup")
	h := &Host{t: t, path: path, at: map[string]Place{}}
	for _, p := range places {
		out, err := exec.Command("losetup", "--find", "--show", "--offset", fmt.Sprint(p.Offset), "--sizelimit", fmt.Sprint(p.Size), path).Output()
		if err != nil {
			fixtures.Missing(t, fmt.Sprintf("there is no loop device: losetup: %v", err))
		}
		loop := strings.TrimSpace(string(out))
		t.Cleanup(func() { exec.Command("losetup", "--detach", loop).Run() })
		h.loops = append(h.loops, loop)
		h.at[loop] = p
	}
	return h
}

// Run runs lvm2 with a command line in which %1, %2, ... are the loop devices.
func (h *Host) Run(line string) string {
	h.t.Helper()
	var filter []string
	for i, loop := range h.loops {
		line = strings.ReplaceAll(line, "%"+strconv.Itoa(i+1), loop)
		filter = append(filter, `"a|^`+loop+`$|"`)
	}
	config := `devices { use_devicesfile=0 scan_lvs=0 filter=[` + strings.Join(filter, ",") + `,"r|.*|"] }` +
		` activation { udev_sync=0 udev_rules=0 } global { event_activation=0 use_lvmpolld=0 } backup { backup=0 archive=0 }`
	words := strings.Fields(line)
	cmd := exec.Command("lvm", append([]string{words[0], "--driverloaded", "n", "--config", config}, words[1:]...)...)
	cmd.Env = append(os.Environ(), "LVM_SUPPRESS_FD_WARNINGS=1")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("lvm %s: %v\n%s", line, err, errs.String())
	}
	return string(out)
}

// A Segment is one line of lvs --segments.
type Segment struct {
	Group  string `json:"vg_name"`
	Volume string `json:"lv_name"`
	UUID   string `json:"lv_uuid"`
	Kind   string `json:"segtype"`
	Start  int64  `json:"seg_start,string"`
	Size   int64  `json:"seg_size,string"`
	Chunk  int64  `json:"stripe_size,string"`
	// Ranges is "/dev/loop0:0-2 /dev/loop1:0-2".
	Ranges string `json:"seg_pe_ranges"`
}

// Segments asks lvm2 for the map of every volume.
func (h *Host) Segments() []Segment {
	h.t.Helper()
	out := h.Run("lvs --segments --units b --nosuffix -o vg_name,lv_name,lv_uuid,segtype,seg_start,seg_size,stripe_size,seg_pe_ranges -O vg_name,lv_name,seg_start --reportformat json")
	var report struct{ Report []struct{ Seg []Segment } }
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		h.t.Fatalf("lvs: %v\n%s", err, out)
	}
	return report.Report[0].Seg
}

// Shown asks lvm2 for the names of the volumes that it shows.
func (h *Host) Shown() []string { return strings.Fields(h.Run("lvs --noheadings -o lv_name")) }

// start asks lvm2 for where the extents of a physical volume begin in the
// image file, and how large they are.
func (h *Host) start(loop string) (start, extent int64) {
	h.t.Helper()
	out := h.Run("pvs --units b --nosuffix --noheadings -o pe_start,vg_extent_size " + loop)
	if _, err := fmt.Sscan(out, &start, &extent); err != nil {
		h.t.Fatalf("pvs: %v\n%s", err, out)
	}
	return h.at[loop].Offset + start, extent
}

// Fill writes data to a volume, where lvm2 says that it lies.
func (h *Host) Fill(group, volume string, data []byte) {
	h.t.Helper()
	f, err := os.OpenFile(h.path, os.O_WRONLY, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	for _, s := range h.Segments() {
		if s.Group != group || s.Volume != volume || s.Start >= int64(len(data)) {
			continue
		}
		var legs []int64
		for _, r := range strings.Fields(s.Ranges) {
			loop, extents, _ := strings.Cut(r, ":")
			first, _, _ := strings.Cut(extents, "-")
			start, extent := h.start(loop)
			n, err := strconv.ParseInt(first, 10, 64)
			if err != nil {
				h.t.Fatalf("seg_pe_ranges %q", s.Ranges)
			}
			legs = append(legs, start+n*extent)
		}
		h.write(f, s, legs, data[s.Start:min(int64(len(data)), s.Start+s.Size)])
	}
}

// write deals a segment's bytes out to the legs, a chunk to each in turn.
func (h *Host) write(f *os.File, s Segment, legs []int64, data []byte) {
	h.t.Helper()
	chunk := s.Chunk
	if len(legs) == 1 {
		chunk = s.Size
	}
	for turn := int64(0); len(data) > 0; turn++ {
		n := min(chunk, int64(len(data)))
		at := legs[turn%int64(len(legs))] + turn/int64(len(legs))*chunk
		if _, err := f.WriteAt(data[:n], at); err != nil {
			h.t.Fatal(err)
		}
		data = data[n:]
	}
}
