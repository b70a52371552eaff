package main

import (
	"crypto/x509"
	"os"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// readPolicy reads the file of a policy; "" when there is none.
func readPolicy(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", exeunt.Errorf(exeunt.Invalid, "the policy %s cannot be read", file).Because(err)
	}
	_, err = verify.ParsePolicy(string(text))
	return string(text), err
}

// trust is what somebody verifies with: keys, and who has to have cosigned.
type trust struct {
	keys   []string
	policy verify.Policy
	asks   bool           // for cosignatures
	roots  *x509.CertPool // of the authority that has to have stamped the close; nil for any
}

// trustIn puts keys and policy together. The keys that a policy names are as good as those that are given.
func trustIn(keys []string, file string) (t trust, err error) {
	if file != "" {
		text, err := readPolicy(file)
		if err != nil {
			return t, err
		}
		if t.policy, err = verify.ParsePolicy(text); err != nil {
			return t, err
		}
		t.asks = true
	}
	if len(keys) > 0 || len(t.policy.Logs) == 0 {
		if t.keys, err = trustedKeys(keys); err != nil {
			return t, err
		}
	}
	t.keys = append(t.keys, t.policy.Logs...)
	return t, nil
}

// cosigned checks a checkpoint against the policy, when there is one.
func (t trust) cosigned(checkpoint []byte) ([]verify.Cosignature, error) {
	if !t.asks {
		return nil, nil
	}
	return t.policy.Check(checkpoint)
}
