package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// prepareInput makes the directory of a files input: hard links to the files,
// or copies where the work directory is on another filesystem. The sandbox
// shows it read-only.
func prepareInput(dir string, in Input) error {
	if !plainName(in.Name) {
		return fmt.Errorf("the input's name %q cannot name a directory", in.Name)
	}
	if in.View != nil {
		return nil
	}
	dir = filepath.Join(dir, in.Name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("prepare input %s: %w", in.Name, err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the umask took bits away
		return fmt.Errorf("prepare input %s: %w", in.Name, err)
	}
	for name, source := range in.Files {
		if !filepath.IsLocal(name) || strings.Contains(name, "\x00") || filepath.Clean(name) != name {
			return fmt.Errorf("input %s: %q cannot name a file", in.Name, name)
		}
		target := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("prepare input %s: %w", in.Name, err)
		}
		if err := linkOrCopy(source, target); err != nil {
			return fmt.Errorf("prepare input %s: %w", in.Name, err)
		}
	}
	return nil
}

func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

func linkOrCopy(source, target string) error {
	err := os.Link(source, target)
	if err == nil || !errors.Is(err, unix.EXDEV) && !errors.Is(err, unix.EMLINK) && !errors.Is(err, unix.EPERM) {
		return err
	}
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	// A step sees mode and time: those of the copy must be those of a link,
	// whatever the caller's umask is and wherever the store lies.
	err = errors.Join(err, out.Chmod(info.Mode()), out.Close())
	return errors.Join(err, os.Chtimes(target, info.ModTime(), info.ModTime()))
}

// WriteResult leaves a document for [Result.Document]. It runs inside.
func WriteResult(document any) error {
	data, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return os.WriteFile(filepath.Join(MetaDir, resultFile), data, 0o644)
}

// readResult reads what a step left, which may be anything: only a regular
// file of a bounded size with valid JSON counts.
func readResult(dir string) (json.RawMessage, error) {
	path := filepath.Join(dir, resultFile)
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the step's result: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > maxResultBytes {
		return nil, fmt.Errorf("read the step's result: %s is no regular file of at most %d bytes", resultFile, maxResultBytes)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxResultBytes))
	if err != nil {
		return nil, fmt.Errorf("read the step's result: %w", err)
	}
	if !json.Valid(data) {
		return nil, errors.New("read the step's result: it is not valid JSON")
	}
	return data, nil
}
