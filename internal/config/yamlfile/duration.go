package yamlfile

import (
	"time"

	"github.com/exeunt/exeunt"
)

// Duration is a length of time as people write it: 30m, 4h, 5d.
type Duration time.Duration

// UnmarshalText reads 30s, 15m, 48h, 5d or 2w.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := exeunt.ParseDuration(string(text))
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "%q is not a length of time: write it as a whole number and one of s, m, h, d, w, such as 30m, 48h or 14d", text)
	}
	*d = Duration(parsed)
	return nil
}

// MarshalText writes it as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
