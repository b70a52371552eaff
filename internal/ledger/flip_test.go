package ledger_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// logInMemory makes a log of three bundles with partial tiles of older sizes, and loads its public files.
func logInMemory(t *testing.T) (fstest.MapFS, string) {
	t.Helper()
	dir := t.TempDir()
	o := ledgertest.New()
	for id := range exeunt.CaseID(27) {
		o.Add(ledgertest.Handle(id+1), ledgertest.Entries(id+1, 18, true)...)
	}
	records := sequenced(t, o)
	l := openLog(t, dir)
	for _, part := range [][2]int{{0, 1}, {1, 100}, {100, 270}, {270, 540}} {
		appendAll(t, l, records[part[0]:part[1]])
	}
	must(t, l.Close())
	files := fstest.MapFS{}
	for _, name := range filesIn(t, filepath.Join(dir, "log")) {
		if !strings.HasPrefix(name, ".state/") { // private to the writer; Open checks it
			raw, err := os.ReadFile(filepath.Join(dir, "log", name))
			must(t, err)
			files[name] = &fstest.MapFile{Data: raw}
		}
	}
	return files, verifierOf(t, l)
}

func TestEveryFlippedBitOfALogIsFound(t *testing.T) {
	files, key := logInMemory(t)
	options := verify.LogOptions{Keys: []string{key}}
	report, err := verify.Log(files, options)
	if err != nil || report.Size != 540 {
		t.Fatalf("the untouched log: size %d, %v", report.Size, err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d files: %v", len(files), files)
	}
	for name, file := range files {
		bits := []int{0, 8*len(file.Data) - 1}
		if name == "checkpoint" { // every one
			for bit := range 8 * len(file.Data) {
				bits = append(bits, bit)
			}
		}
		for range 20 {
			bits = append(bits, rand.IntN(8*len(file.Data)))
		}
		for _, bit := range bits {
			file.Data[bit/8] ^= 1 << (bit % 8)
			if _, err := verify.Log(files, options); exeunt.KindOf(err) != exeunt.Invalid {
				t.Errorf("bit %d of %s: %v", bit, name, err)
			} else if name != "checkpoint" && !strings.Contains(err.Error(), strings.Split(name, ".p/")[0]) {
				t.Errorf("bit %d of %s: the error names another file: %v", bit, name, err)
			}
			file.Data[bit/8] ^= 1 << (bit % 8)
		}
	}
}

func TestMissingAndCutFilesOfALogAreFound(t *testing.T) {
	files, key := logInMemory(t)
	options := verify.LogOptions{Keys: []string{key}}
	for name, file := range files {
		data := file.Data
		for _, changed := range [][]byte{data[:len(data)-1], data[:len(data)/2], {}, append(data[:len(data):len(data)], 0)} {
			file.Data = changed
			if _, err := verify.Log(files, options); err == nil {
				t.Errorf("%s with %d instead of %d bytes passes", name, len(changed), len(data))
			}
		}
		file.Data = data
	}
	for _, name := range []string{"checkpoint", "tile/entries/000", "tile/entries/002.p/28", "tile/0/001", "tile/0/002.p/28", "tile/1/000.p/2"} {
		file := files[name]
		if file == nil {
			t.Fatalf("there is no %s", name)
		}
		delete(files, name)
		if _, err := verify.Log(files, options); err == nil || !strings.Contains(err.Error(), strings.Split(name, ".p")[0]) {
			t.Errorf("without %s: %v", name, err)
		}
		files[name] = file
	}
}

func TestALogIsVerifiedWithTheRightKeyOnly(t *testing.T) {
	files, key := logInMemory(t)
	_, other := logInMemory(t)
	for _, c := range []struct {
		keys []string
		want bool
	}{
		{[]string{key}, true}, {[]string{other, key}, true}, {[]string{key + "\n", key}, true},
		{[]string{other}, false}, {nil, false}, {[]string{"nonsense"}, false},
	} {
		if _, err := verify.Log(files, verify.LogOptions{Keys: c.keys}); (err == nil) != c.want {
			t.Errorf("keys %q: %v", c.keys, err)
		}
	}
}

func TestEachLeafCanBeCompared(t *testing.T) {
	files, key := logInMemory(t)
	seen, last := int64(0), int64(0)
	stop := errors.New("differs")
	_, err := verify.Log(files, verify.LogOptions{
		Keys:     []string{key},
		Progress: func(done, total int64) { last = done },
		Each: func(index int64, leaf exeunt.Leaf, encoded []byte) error {
			if index != seen || leaf.N != seen {
				t.Errorf("leaf %d: %+v", index, leaf)
			}
			if seen++; seen == 500 {
				return stop
			}
			return nil
		},
	})
	if !errors.Is(err, stop) || seen != 500 || last != 256 {
		t.Errorf("err %v, seen %d, progress %d", err, seen, last)
	}
}

// A log that is behind a web server cannot be listed; partial tiles of older sizes are then not
// looked at, and everything else is.
func TestALogThatCannotBeListedIsVerified(t *testing.T) {
	files, key := logInMemory(t)
	if _, err := verify.Log(unlisted{files}, verify.LogOptions{Keys: []string{key}}); err != nil {
		t.Error(err)
	}
}

type unlisted struct{ files fs.FS }

func (u unlisted) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, ".p") {
		return nil, fs.ErrPermission
	}
	return u.files.Open(name)
}
