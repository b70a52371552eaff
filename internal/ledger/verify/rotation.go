package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// RotationFolder is where a log's public files have the statements that one signing key follows another. It is no part
// of the specification of tiles.
const RotationFolder = "rotations"

const rotationHead = "exeunt ledger key rotation v1\n"

// RotationText is the text of such a statement, which both keys sign.
func RotationText(origin, old, next string, at time.Time) string {
	return fmt.Sprintf("%s%s\n%s\n%s\n%s\n", rotationHead, origin, old, next, at.UTC().Format(time.RFC3339))
}

// Follow lists the verifier keys of a log, beginning with one that is trusted: each of the others is stated to follow one
// before it, signed by both. Whoever stole the old key can state that too, so an auditor takes a new key from the log's
// owner; it is for the server, which has to know that its ledger is the one that it had. What cannot be read is an
// error: without it, a ledger that is away for a moment would be taken for another one.
func Follow(files fs.FS, trusted string) ([]string, error) {
	return chained(files, []string{strings.TrimSpace(trusted)}, func(old, next string) (from, to string) { return old, next })
}

// Precede lists the verifier keys of a log, beginning with those that sign now: each of the others is stated to have been
// followed by one before it in the list, which has signed that. What they signed is the log's own.
func Precede(files fs.FS, present []string) ([]string, error) {
	return chained(files, slices.Clone(present), func(old, next string) (from, to string) { return next, old })
}

// chained adds to some keys all to which statements lead.
func chained(files fs.FS, keys []string, lead func(old, next string) (from, to string)) ([]string, error) {
	list, err := fs.ReadDir(files, RotationFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return keys, nil
	}
	if err != nil {
		return nil, unreadable(RotationFolder, err)
	}
	statements := make([][]byte, 0, len(list))
	for _, item := range list {
		name := RotationFolder + "/" + item.Name()
		raw, err := fs.ReadFile(files, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a name of the moment in which one was written
			return nil, unreadable(name, err)
		}
		statements = append(statements, raw)
	}
	for grown := true; grown; {
		grown = false
		for _, raw := range statements {
			old, next, ok := rotation(raw)
			from, to := lead(old, next)
			if ok && slices.Contains(keys, from) && !slices.Contains(keys, to) {
				keys, grown = append(keys, to), true
			}
		}
	}
	return keys, nil
}

// rotation reads a statement and checks both signatures.
func rotation(raw []byte) (old, next string, ok bool) {
	text, _, _ := strings.Cut(string(raw), "\n\n")
	lines := strings.Split(strings.TrimPrefix(text, rotationHead), "\n")
	if !strings.HasPrefix(text, rotationHead) || len(lines) != 4 {
		return "", "", false
	}
	old, next = lines[1], lines[2]
	for _, key := range []string{old, next} {
		v, err := note.NewVerifier(key)
		if err != nil || v.Name() != lines[0] {
			return "", "", false
		}
		n, err := note.Open(raw, note.VerifierList(v))
		if err != nil || len(n.Sigs) == 0 {
			return "", "", false
		}
	}
	return old, next, true
}
