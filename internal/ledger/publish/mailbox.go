package publish

import (
	"context"
	"fmt"
	"strings"

	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/notify"
)

// Mailbox is a place that checkpoints are mailed to, such as an archive of another department.
type Mailbox struct {
	Mail *notify.Mail
	To   []string
}

// Where is that of [Place].
func (m Mailbox) Where() string { return strings.Join(m.To, ", ") }

const letter = `This is the signed state of the log %s with its first %d entries. Keep this mail.

Whoever has it can later see that the log still begins with these entries, and that none was changed or taken out:
save the attachment and give it to

  exeunt ledger verify --published %s

The checkpoint, as it is attached:

%s`

// Put mails the checkpoint, in the text and as a file. When the mail server's answer is lost it is mailed again.
func (m Mailbox) Put(ctx context.Context, cp verify.Checkpoint) error {
	name := fileName(cp.Size)
	return m.Mail.Send(ctx, notify.Letter{
		To:      m.To,
		Subject: fmt.Sprintf("Checkpoint of %s: %d entries", cp.Origin, cp.Size),
		Text:    fmt.Sprintf(letter, cp.Origin, cp.Size, name, cp.Signed),
		Name:    name, File: cp.Signed,
	})
}
