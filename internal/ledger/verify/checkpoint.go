package verify

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a signed statement of how many leaves a log has and what they hash to
// (https://c2sp.org/tlog-checkpoint).
type Checkpoint struct {
	Origin string    // names the log
	Size   int64     // leaves
	Root   tlog.Hash // RFC 6962 tree hash over them
	Key    string    // the verifier key whose signature was checked
	Signed []byte    // as it was published, with every signature
}

// Tree is the checkpoint as package tlog takes it.
func (c Checkpoint) Tree() tlog.Tree { return tlog.Tree{N: c.Size, Hash: c.Root} }

// Fingerprint is the hex SHA-256 of a verifier key as it is written, to compare by voice or on paper.
// The eight digits inside a verifier key are too few for that.
func Fingerprint(key string) string {
	sum := sha256.Sum256([]byte(strings.TrimSpace(key)))
	return hex.EncodeToString(sum[:])
}

// OpenCheckpoint checks the signature with one of the given verifier keys (name+hash+base64) and
// reads the checkpoint. Signatures of others, such as witnesses, are ignored.
func OpenCheckpoint(raw []byte, keys []string) (Checkpoint, error) {
	const where = "checkpoint"
	verifiers, err := verifiersOf(keys)
	if err != nil {
		return Checkpoint{}, err
	}
	n, err := note.Open(raw, note.VerifierList(verifiers...))
	if unverified, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return Checkpoint{}, fault(where, "not signed by a trusted key; it names %s: take the log's key from its owner, not from the file", signersOf(unverified.Note))
	}
	if err != nil {
		return Checkpoint{}, fault(where, "its signature is wrong or it is not a signed note").Because(err)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, sig := range n.Sigs {
		i := slices.IndexFunc(verifiers, func(v note.Verifier) bool { return v.Name() == sig.Name && v.KeyHash() == sig.Hash })
		if i >= 0 && sig.Name == c.Origin {
			// Package note decodes leniently; without this, two spellings of one signature would pass.
			if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
				return Checkpoint{}, fault(where, "its signature is not written in its one canonical form")
			}
			c.Key, c.Signed = cleanKeys(keys)[i], raw
			return c, nil
		}
	}
	return Checkpoint{}, fault(where, "signed by %s, but it is a checkpoint of the log %q", n.Sigs[0].Name, c.Origin)
}

func cleanKeys(keys []string) []string {
	var clean []string
	for _, k := range keys {
		if k = strings.TrimSpace(k); k != "" && !slices.Contains(clean, k) {
			clean = append(clean, k)
		}
	}
	return clean
}

func verifiersOf(keys []string) ([]note.Verifier, error) {
	keys = cleanKeys(keys)
	if len(keys) == 0 {
		return nil, exeunt.Errorf(exeunt.Invalid, "no key to check the checkpoint's signature with").In("key")
	}
	list := make([]note.Verifier, len(keys))
	for i, k := range keys {
		v, err := note.NewVerifier(k)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "%.80q is not a verifier key: it has the form name+hash+base64, as in the file key.pub", k).In("key")
		}
		list[i] = v
	}
	return list, nil
}

func signersOf(n *note.Note) string {
	var names []string
	for _, s := range n.UnverifiedSigs {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// parseCheckpoint reads the three lines that every checkpoint has; extension lines may follow.
func parseCheckpoint(text string) (Checkpoint, error) {
	const where = "checkpoint"
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 || slices.Contains(lines, "") {
		return Checkpoint{}, fault(where, "it does not have the three lines origin, size and root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fault(where, "%q is not a size", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fault(where, "%q is not a root hash", lines[2])
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}
