package connector

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/exeunt/exeunt"
)

// Secret is a reference to a secret, never the secret itself: "env:NAME" or "file:/path". It
// prints, logs and encodes as the reference.
type Secret struct{ reference string }

// NewSecret checks and keeps a reference.
func NewSecret(reference string) (Secret, error) {
	kind, rest, _ := strings.Cut(reference, ":")
	if (kind != "env" && kind != "file") || rest == "" {
		return Secret{}, fmt.Errorf("a secret is given by reference: write env:NAME or file:/path, never the secret itself")
	}
	return Secret{reference}, nil
}

// UnmarshalText refuses anything that is not a reference, without repeating it: it may be a secret.
func (s *Secret) UnmarshalText(text []byte) error {
	parsed, err := NewSecret(string(text))
	*s = parsed
	return err
}

// MarshalText writes the reference.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.reference), nil }

// String is the reference.
func (s Secret) String() string { return s.reference }

// LogValue keeps logs to the reference.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.reference) }

// IsZero says whether no secret is configured.
func (s Secret) IsZero() bool { return s.reference == "" }

// Reveal reads the secret anew each time, so that a rotated one is taken up without a restart.
func (s Secret) Reveal() (string, error) {
	kind, rest, _ := strings.Cut(s.reference, ":")
	switch kind {
	case "env":
		if v, ok := os.LookupEnv(rest); ok && v != "" {
			return v, nil
		}
		return "", exeunt.Errorf(exeunt.Invalid, "the secret env:%s is not set in the server's environment", rest)
	case "file":
		b, err := os.ReadFile(rest)
		if err != nil {
			return "", exeunt.Errorf(exeunt.Invalid, "the secret file %s cannot be read by the server's user", rest).Because(err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	default:
		return "", exeunt.Errorf(exeunt.Invalid, "no secret is configured")
	}
}
