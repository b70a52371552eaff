package verify

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/note"
)

// Policy says which keys a log signs with, and how many of which witnesses have to cosign a checkpoint before it counts.
// Whoever verifies has it from elsewhere than what is verified.
//
// It is written as Sigsum and Tessera write it
// (https://git.glasklar.is/sigsum/core/sigsum-go/-/blob/main/doc/policy.md, with verifier keys):
//
//	log VKEY
//	witness NAME VKEY [URL]
//	group NAME any|all|NUMBER MEMBER…
//	quorum NAME|none
type Policy struct {
	Logs    []string // verifier keys
	members map[string]member
	quorum  string
}

// member is a witness, or a group of members.
type member struct {
	witness note.Verifier
	least   int
	of      []string
}

// Cosignature is that a witness had seen a checkpoint, and no other history of the log, at a time.
type Cosignature struct {
	Witness string
	At      time.Time
}

// ParsePolicy reads a policy and refuses one that is not of this form.
func ParsePolicy(text string) (Policy, error) {
	p := Policy{members: map[string]member{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if why := p.line(words); why != "" {
			return Policy{}, exeunt.Errorf(exeunt.Invalid, "line %d of the witness policy: %s", i+1, why).In("policy")
		}
	}
	if _, ok := p.members[p.quorum]; !ok && p.quorum != "none" {
		return Policy{}, exeunt.Errorf(exeunt.Invalid, "the witness policy names no quorum: end it with quorum and the name of a witness or group, or with quorum none").In("policy")
	}
	return p, nil
}

func (p *Policy) line(words []string) (why string) {
	if len(words) > 1 {
		if _, twice := p.members[words[1]]; twice && words[0] != "quorum" {
			return words[1] + " stands there twice"
		}
	}
	switch {
	case words[0] == "log" && len(words) >= 2:
		if _, err := note.NewVerifier(words[1]); err != nil {
			return "this is not the verifier key of a log"
		}
		p.Logs = append(p.Logs, words[1])
	case words[0] == "witness" && (len(words) == 3 || len(words) == 4):
		v, err := newCosigner(words[2])
		if err != nil {
			return err.Error()
		}
		p.members[words[1]] = member{witness: v}
	case words[0] == "group" && len(words) >= 4:
		return p.group(words[1], words[2], words[3:])
	case words[0] == "quorum" && len(words) == 2 && p.quorum == "":
		p.quorum = words[1]
	default:
		return "it is none of log, witness, group and quorum, or has too few or too many words"
	}
	return ""
}

func (p *Policy) group(name, least string, of []string) (why string) {
	g := member{of: of}
	switch n, err := strconv.Atoi(least); {
	case least == "any":
		g.least = 1
	case least == "all":
		g.least = len(of)
	case err != nil || n < 1 || n > len(of):
		return fmt.Sprintf("%s of %d members is no number that can be reached", least, len(of))
	default:
		g.least = n
	}
	for i, m := range of {
		if _, ok := p.members[m]; !ok || slices.Contains(of[:i], m) {
			return m + " is not defined above, or stands there twice"
		}
	}
	p.members[name] = g
	return ""
}

// Witnessed says whether the policy asks for cosignatures at all.
func (p Policy) Witnessed() bool { return p.quorum != "" && p.quorum != "none" }

// Check says which witnesses cosigned a signed checkpoint, and refuses one that the quorum has not.
func (p Policy) Check(signed []byte) ([]Cosignature, error) {
	var verifiers []note.Verifier
	for _, m := range p.members {
		if m.witness != nil {
			verifiers = append(verifiers, m.witness)
		}
	}
	n, err := note.Open(signed, note.VerifierList(verifiers...))
	var found []Cosignature
	there := map[string]bool{}
	if err == nil {
		for _, sig := range n.Sigs {
			raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
			if err != nil || len(raw) < 12 {
				return nil, fault("checkpoint", "a cosignature is not written in its one canonical form")
			}
			there[fmt.Sprintf("%s+%08x", sig.Name, sig.Hash)] = true
			found = append(found, Cosignature{sig.Name, time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC()}) // behind the key's hash
		}
	} else if p.Witnessed() {
		return nil, fault("checkpoint", "no witness of the policy has cosigned it, or a cosignature is wrong").Because(err)
	}
	if p.Witnessed() && !p.reached(p.quorum, there) {
		return found, fault("checkpoint", "%d of the policy's witnesses have cosigned it, which is not the quorum that it asks for", len(found))
	}
	return found, nil
}

func (p Policy) reached(name string, there map[string]bool) bool {
	m := p.members[name]
	if m.witness != nil {
		return there[fmt.Sprintf("%s+%08x", m.witness.Name(), m.witness.KeyHash())]
	}
	n := 0
	for _, of := range m.of {
		if p.reached(of, there) {
			n++
		}
	}
	return n >= m.least
}

// cosigner verifies cosignatures (https://c2sp.org/tlog-cosignature): Ed25519 over the checkpoint behind a time.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

const cosignatureType = 0x04 // https://c2sp.org/signed-note, signature types

func newCosigner(vkey string) (cosigner, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	hash, encoded, ok := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != cosignatureType {
		return cosigner{}, finding("%.40q is not the verifier key of a witness (type 4 of c2sp.org/signed-note)", vkey)
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	c := cosigner{name, binary.BigEndian.Uint32(sum[:]), ed25519.PublicKey(raw[1:])}
	if fmt.Sprintf("%08x", c.hash) != hash {
		return cosigner{}, finding("the verifier key of the witness %s was cut or mistyped: its hash is another one", name)
	}
	return c, nil
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }

func (c cosigner) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	message := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), text)
	return ed25519.Verify(c.key, message, sig[8:])
}
