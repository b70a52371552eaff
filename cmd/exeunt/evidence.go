package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	timestamp "github.com/exeunt/exeunt/internal/stamp"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func evidenceCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use: "evidence", Short: "Export the proof of one case, and verify it offline",
		Example: "  exeunt evidence export C-2041\n  exeunt evidence verify C-2041.evidence.zip --key exeunt.vkey",
	}
	return group(cmd, evidenceExportCommand(c), evidenceVerifyCommand(c))
}

func evidenceExportCommand(c *console) *cobra.Command {
	var out string
	var given []string
	cmd := &cobra.Command{
		Use: "export CASE", Short: "Write the evidence packet of a case to a file, and remember the ledger's key", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			cl, err := newClient()
			if err != nil {
				return err
			}
			packet, err := cl.raw(cmd.Context(), "GET", "/cases/"+id.String()+"/evidence", nil)
			if err != nil {
				return err
			}
			var key api.LedgerKey
			if err := cl.call(cmd.Context(), "GET", "/ledger/key", nil, &key); err != nil {
				return err
			}
			unknown, err := rememberKey(c, key.Key, given)
			if err != nil {
				return err
			}
			if out == "" {
				out = evidence.FileName(exeunt.Case{ID: id})
			}
			if out == "-" {
				if _, err := c.out.Write(packet); err != nil {
					return err
				}
				return unknown
			}
			if err := os.WriteFile(out, packet, 0o600); err != nil {
				return exeunt.Errorf(exeunt.Invalid, "cannot write %s", out).Because(err)
			}
			if err := c.print(map[string]any{"schema": "exported/v1", "case": id, "file": out, "bytes": len(packet)}, func(w io.Writer) { _, _ = fmt.Fprintln(w, out) }); err != nil {
				return err
			}
			return unknown
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write; - for standard output")
	cmd.Flags().StringArrayVar(&given, "key", nil, "verifier key of the ledger as its owner published it, or a file that holds it: remembered where the server has that one")
	return cmd
}

// keyFile is where keys of ledgers that we spoke to are kept, one a line. Like an SSH client, we trust
// the first key that a server shows and notice when another one turns up.
func keyFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "exeunt", "known-ledgers"), nil
}

// rememberKey remembers the key that a server shows: the first one of a log, and another one only where a person gives it.
// Whoever has taken over a server shows a key of theirs, and what that signed would pass for vouched for ever after. The
// first result says that somebody has to compare keys.
func rememberKey(c *console, key string, given []string) (unknown, err error) {
	path, err := keyFile()
	if err != nil {
		return nil, nil //nolint:nilerr // without a home nothing is remembered, and nothing was
	}
	known, err := knownKeys(path)
	if err != nil { // whatever the server shows would pass for the first key
		return nil, err
	}
	if slices.Contains(known, key) {
		return nil, nil
	}
	origin, _, _ := strings.Cut(key, "+")
	another := slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, origin+"+") })
	vouched := given
	if len(given) > 0 {
		if vouched, err = trustedKeys(given); err != nil {
			return nil, err
		}
		another = true
	}
	if another && !slices.Contains(vouched, key) {
		return exitError{exitNeedsPerson, fmt.Errorf("the server shows the key %s for the log %s, which is not the one that is known for it. It is not remembered. Ask the log's owner whether the key was changed, and give the new one with --key", verify.Fingerprint(key), origin)}, nil
	}
	if replaceFile(path, strings.Join(append(known, key), "\n")+"\n") != nil {
		c.note("The ledger's key could not be remembered in %s; verify with --key.", path)
		return nil, nil
	}
	c.note("Remembered the ledger's key %s in %s.", verify.Fingerprint(key), path)
	return nil, nil
}

// knownKeys reads the keys that are remembered; none where there is no file.
func knownKeys(path string) ([]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, exeunt.Errorf(exeunt.Invalid, "the file %s, which has the keys of known ledgers, cannot be read: see its permissions", path).Because(err)
	}
	return strings.Fields(string(raw)), nil
}

// replaceFile writes a file beside the one it takes the place of, so that a full disk or a kill leaves that as it was.
func replaceFile(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*") // readable by its owner alone
	if err != nil {
		return err
	}
	_, err = draft.WriteString(content)
	if err == nil {
		err = draft.Sync()
	}
	if err = errors.Join(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		_ = os.Remove(draft.Name())
	}
	return err
}

func evidenceVerifyCommand(c *console) *cobra.Command {
	var keys, files []string
	var log, policy, authority string
	cmd := &cobra.Command{
		Use: "verify FILE", Short: "Verify a packet without any server; exit 5 when anything in it does not hold", Args: cobra.ExactArgs(1),
		Long: "Verify a packet without any server.\n\nThe key of the ledger comes from --key, from EXEUNT_LEDGER_KEY, or from what `evidence export` remembered.\nWith none of them the packet is checked with the key that it names itself, and the exit code is 4:\nwhoever made the packet could have made that key too, so compare its fingerprint.\n\nA packet proves that nothing is missing up to its last entry. With --log, a copy of the folder log of the ledger, it is\nalso seen that nothing came after it.",
		RunE: func(_ *cobra.Command, args []string) error {
			trusted, err := trustIn(keys, policy)
			if err != nil {
				return err
			}
			published, err := trusted.published(files)
			if err != nil {
				return err
			}
			if trusted.roots, err = readRoots(authority); err != nil {
				return err
			}
			packet, err := readFile(c.in, args[0])
			if err != nil {
				return err
			}
			found, err := verifyPacket(c, packet, trusted, log, published)
			if exeunt.KindOf(err) == exeunt.Unsupported { // it may hold or not: more is needed to say
				return exitError{exitUsage, err}
			}
			if err != nil {
				_ = c.print(map[string]any{"schema": "verified/v1", "verified": false, "fault": exeunt.MessageOf(err)}, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "%s Not verified: %s\n", symbol("failed"), exeunt.MessageOf(err))
				})
				return exitError{exitBroken, nil}
			}
			if err := c.print(found.document(), found.print); err != nil {
				return err
			}
			if !found.Pinned {
				return exitError{exitNeedsPerson, fmt.Errorf("nobody vouched for the key %s that the packet names: compare it with the one that the company published, or give it with --key", found.Fingerprint)}
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "verifier key of the ledger, or a file that holds it")
	cmd.Flags().StringVar(&policy, "policy", "", "file with the witnesses that have to have cosigned, and perhaps the log's keys; from its owner, not from the packet")
	cmd.Flags().StringVar(&authority, "tsa-ca", "", "PEM file with the authority of time stamps: the close of the case has to be stamped under it")
	cmd.Flags().StringArrayVar(&files, "published", nil, publishedHelp+"; with --log unless it has the packet's size")
	cmd.Flags().StringVar(&log, "log", "", "a copy of the log: see that the packet has everything that it holds of the case")
	return cmd
}

// readRoots reads the authority of time stamps; nil when none is named.
func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the authority %s cannot be read", file).Because(err)
	}
	return timestamp.Roots(pem)
}

// checkStamp checks the time stamp of the leaf that closes the case. That leaf names the one before it and commits to its
// body, and so does each before it: what is stamped is the whole record up to the close.
func checkStamp(r verify.Report, roots *x509.CertPool) (timestamp.Stamp, error) {
	for seq, e := range r.Entries {
		if e.Leaf.Kind != exeunt.LeafClose {
			continue
		}
		if e.Stamp == nil {
			return timestamp.Stamp{}, exeunt.Errorf(exeunt.Invalid, "%s, which closes the case, has no time stamp", verify.EntryName(seq))
		}
		s, err := timestamp.Check(e.Stamp, e.Raw, roots)
		if err != nil {
			return s, exeunt.Errorf(exeunt.Invalid, "%s: %s", verify.EntryName(seq)+verify.StampSuffix, exeunt.MessageOf(err)).Because(err)
		}
		return s, nil
	}
	return timestamp.Stamp{}, exeunt.Errorf(exeunt.Invalid, "the case is not closed, so that nothing of it is time-stamped")
}

func trustedKeys(given []string) ([]string, error) {
	if len(given) == 0 && os.Getenv("EXEUNT_LEDGER_KEY") != "" {
		given = []string{os.Getenv("EXEUNT_LEDGER_KEY")}
	}
	if len(given) == 0 {
		path, err := keyFile()
		if err != nil {
			return nil, nil
		}
		return knownKeys(path)
	}
	var out []string
	for _, k := range given {
		if strings.Contains(k, "+") && !strings.ContainsAny(k, "/\\") {
			out = append(out, k)
			continue
		}
		if b, err := os.ReadFile(k); err == nil {
			out = append(out, strings.Fields(string(b))...)
			continue
		}
		if !strings.Contains(k, "+") {
			return nil, exeunt.Errorf(exeunt.Invalid, "--key %s is neither a verifier key nor a file that can be read", k)
		}
		out = append(out, k)
	}
	return out, nil
}

// proven is what a packet proves, and who else has seen it.
type proven struct {
	verify.Report
	cosigned []verify.Cosignature // when a policy asks for them
	stamped  *timestamp.Stamp     // when an authority was named
}

func (p proven) document() map[string]any {
	d := map[string]any{
		"schema": "verified/v1", "verified": true, "case": p.Case.Case, "entries": len(p.Entries), "closed": p.Closed, "erased": p.Erased,
		"origin": p.Origin, "key": p.Fingerprint, "pinned": p.Pinned, "last": p.Last,
	}
	if len(p.cosigned) > 0 {
		var by []map[string]any
		for _, s := range p.cosigned {
			by = append(by, map[string]any{"witness": s.Witness, "at": s.At.UTC()})
		}
		d["cosigned"] = by
	}
	if p.stamped != nil {
		d["stamped"] = map[string]any{"authority": p.stamped.Authority, "at": p.stamped.At.UTC()}
	}
	return d
}

func (p proven) print(w io.Writer) {
	state := "not closed: later entries may exist"
	if p.Closed {
		state = "closed"
	}
	_, _ = fmt.Fprintf(w, "%s %s: %d entries, none missing, in order, signed. %s.\n", symbol("done"), p.Case.Case, len(p.Entries), state)
	_, _ = fmt.Fprintf(w, "  Page and PDF are those that were made of these entries\n")
	_, _ = fmt.Fprintf(w, "  Log %s, key %s, last entry %s\n", p.Origin, p.Fingerprint, p.Last)
	for _, s := range p.cosigned {
		_, _ = fmt.Fprintf(w, "  Cosigned by the witness %s at %s\n", s.Witness, s.At.UTC().Format(time.RFC3339))
	}
	if p.stamped != nil {
		_, _ = fmt.Fprintf(w, "  The close was time-stamped by %s at %s\n", p.stamped.Authority, p.stamped.At.UTC().Format(time.RFC3339))
	}
}
