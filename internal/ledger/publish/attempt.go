package publish

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
)

// attempt is the last try to publish in one place. A network share that hangs holds whoever waits for it in the kernel,
// where no context reaches (nfs(5), option hard), so that the try goes on alone and its place is left out until it ended.
type attempt struct {
	ended chan struct{} // closed when it ended; nil before the first one
}

// hangs is for how long a place may take after it was told to stop.
const hangs = 5 * time.Second

// within tries for a time, and gives what is known after that.
func (a *attempt) within(ctx context.Context, limit time.Duration, known ledger.Publication, publish func(context.Context, *ledger.Publication) error) (ledger.Publication, error) {
	if a.ended != nil {
		select {
		case <-a.ended:
		default:
			return known, silent()
		}
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ended, next := make(chan struct{}), known
	a.ended = ended
	var err error
	go func() {
		defer close(ended)
		err = publish(limited, &next)
	}()
	select {
	case <-ended:
		return next, err
	case <-limited.Done():
	}
	patience := time.NewTimer(hangs)
	defer patience.Stop()
	select {
	case <-ended:
		return next, err
	case <-patience.C:
		return known, silent()
	}
}

func silent() error {
	return exeunt.Errorf(exeunt.Temporary, "the place does not answer: see whether the share hangs, and mount it anew")
}
