package verify

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/tlog"
)

// Proof is a C2SP tlog-proof: that a leaf stands at an index of the log of a checkpoint
// (https://c2sp.org/tlog-proof).
type Proof struct {
	Index      int64
	Hashes     tlog.RecordProof
	Checkpoint []byte
}

const proofHeader = "c2sp.org/tlog-proof@v1"

// Encode writes the proof as the specification has it, without extra data.
func (p Proof) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", proofHeader, p.Index)
	for _, h := range p.Hashes {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// DecodeProof reads a proof. Extra data is refused: our packets have none, and nothing would check it.
func DecodeProof(raw []byte) (Proof, error) {
	head, checkpoint, ok := strings.Cut(string(raw), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 2 || lines[0] != proofHeader {
		return Proof{}, exeunt.Errorf(exeunt.Invalid, "it is not a proof that begins with %s and an index", proofHeader)
	}
	digits, ok := strings.CutPrefix(lines[1], "index ")
	index, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || index < 0 || strconv.FormatInt(index, 10) != digits {
		return Proof{}, exeunt.Errorf(exeunt.Invalid, "its second line is not an index")
	}
	p := Proof{Index: index, Hashes: tlog.RecordProof{}, Checkpoint: []byte(checkpoint)}
	for _, line := range lines[2:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return Proof{}, exeunt.Errorf(exeunt.Invalid, "one of its lines is not a hash")
		}
		p.Hashes = append(p.Hashes, h)
	}
	if !bytes.Equal(p.Encode(), raw) {
		return Proof{}, exeunt.Errorf(exeunt.Invalid, "it is not written in its one canonical form")
	}
	return p, nil
}
