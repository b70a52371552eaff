package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// progressEvery is how often long work says how far it is.
const progressEvery = time.Second

// verifyFolder verifies a copy of a log, without any server, and says how far it is.
func verifyFolder(c *console, dir string, keys []string, earlier ...verify.Checkpoint) (verify.LogReport, error) {
	begun := time.Now()
	last := begun
	return verify.Log(os.DirFS(dir), verify.LogOptions{Keys: keys, Earlier: earlier, Progress: func(done, total int64) {
		if time.Since(last) >= progressEvery {
			last = time.Now()
			c.note("%s", progressWords(done, total, float64(done)/last.Sub(begun).Seconds()))
		}
	}})
}

// verifyLogOffline is `ledger verify --log`.
func verifyLogOffline(c *console, dir string, given []string, policy string, files []string) error {
	by, err := trustIn(given, policy)
	if err != nil {
		return err
	}
	if len(by.keys) == 0 {
		return exeunt.Errorf(exeunt.Invalid, "no key to verify the log with: give it with --key, from its owner and not from the folder")
	}
	published, err := by.published(files)
	if err != nil {
		return err
	}
	report, cosigned, err := by.folder(c, dir, published)
	if err != nil && exeunt.KindOf(err) != exeunt.Invalid {
		return err
	}
	closed := 0
	for _, t := range report.Cases {
		if t.Closed {
			closed++
		}
	}
	cases := len(report.Cases)
	if _, ok := report.Cases[""]; ok { // what concerns the installation
		cases--
	}
	document := map[string]any{"schema": "log/v1", "verified": err == nil}
	if err != nil {
		document["fault"] = exeunt.MessageOf(err)
	} else {
		document["origin"], document["entries"], document["root"] = report.Origin, report.Size, hex.EncodeToString(report.Root[:])
		document["cosigned_entries"] = cosigned
		document["published"] = len(published)
		document["key"], document["cases"], document["closed"] = verify.Fingerprint(report.Key), cases, closed
	}
	if err := c.print(document, func(w io.Writer) {
		if err != nil {
			_, _ = fmt.Fprintf(w, "%s The log does not hold: %s\n", symbol("failed"), exeunt.MessageOf(err))
			return
		}
		_, _ = fmt.Fprintf(w, "%s %d entries of %d cases, %d closed; no break. Log %s, root %x, signed by key %s.\n", symbol("done"), report.Size, cases, closed, report.Origin, report.Root, verify.Fingerprint(report.Key))
		printPublished(w, published)
		if by.policy.Witnessed() {
			_, _ = fmt.Fprintf(w, "  The first %d are under a checkpoint that the quorum of witnesses has cosigned.\n", cosigned)
		}
	}); err != nil {
		return err
	}
	if err != nil {
		return exitError{exitBroken, nil}
	}
	return nil
}

// folder verifies a copy of a log, and that it goes on from what was published and from what the witnesses have cosigned:
// over how many entries.
func (t trust) folder(c *console, dir string, published []verify.Checkpoint) (report verify.LogReport, cosigned int64, err error) {
	if !t.policy.Witnessed() {
		report, err = verifyFolder(c, dir, t.keys, published...)
		return report, 0, err
	}
	signed, err := os.ReadFile(filepath.Join(dir, ledger.CosignedFile))
	if err != nil {
		return report, 0, exeunt.Errorf(exeunt.Invalid, "the log has no checkpoint that the witnesses of the policy have cosigned").Because(err)
	}
	cp, err := verify.OpenCheckpoint(signed, t.keys)
	if err == nil {
		_, err = t.policy.Check(signed)
	}
	if err != nil {
		return report, 0, err
	}
	report, err = verifyFolder(c, dir, t.keys, append(published, cp)...)
	return report, cp.Size, err
}

// verifyPacket verifies a packet, and, where there is a copy of the log, that the packet has everything that the
// log holds of its case: a packet alone cannot show that nothing came after its last entry. The log then also has to go
// on from what was published; without it a packet can be held against a checkpoint of its own size only.
func verifyPacket(c *console, packet []byte, by trust, log string, published []verify.Checkpoint) (p proven, err error) {
	if p.Report, err = evidence.Verify(packet, by.keys); err != nil {
		return p, err
	}
	if p.cosigned, err = by.cosigned(p.Signed); err != nil {
		return p, err
	}
	if by.roots != nil {
		stamped, err := checkStamp(p.Report, by.roots)
		if err != nil {
			return p, err
		}
		p.stamped = &stamped
	}
	if log == "" {
		return p, sameTree(p.Checkpoint, published)
	}
	keys := by.keys // the log may be signed by a newer one than the packet
	if len(keys) == 0 {
		keys = []string{p.Key}
	}
	whole, err := verifyFolder(c, log, keys, append(published, p.Checkpoint)...)
	if err != nil {
		return p, err
	}
	return p, whole.Covers(p.Report)
}
