package image

import "os"

// KeepUnpacked has a disk whose blocks are compressed keep what it decompresses in
// a file without a name, for who reads all of it more than once. Other subjects
// stay as they are.
func (i *Image) KeepUnpacked() {
	d, ok := i.Device.(interface {
		Keep(open func() (*os.File, error))
	})
	if !ok {
		return
	}
	var kept *os.File
	d.Keep(func() (*os.File, error) {
		f, err := unnamedFile(i.options.TempDir)
		kept = f
		return f, err
	})
	i.closers = append(i.closers, func() error {
		if kept == nil {
			return nil
		}
		return kept.Close()
	})
}
