package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/textproto"
	"os"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/wneessen/go-mail"
)

// MailServer is where mail goes out.
type MailServer struct {
	Host     string
	Port     int
	From     string
	Username string
	Password func() (string, error) // nil when the server asks for none
	TLS      string                 // "starttls" (default), "tls", or "none" for a relay on this machine
	CAFile   string                 // for a server whose certificate no public authority signed
}

// Mail sends notices over SMTP.
type Mail struct {
	server MailServer
	links  Links
}

// NewMail makes a channel over one server.
func NewMail(server MailServer, links Links) *Mail { return &Mail{server, links} }

// Deliver sends one notice. An error is Temporary unless the server refused the recipient for good.
func (m *Mail) Deliver(ctx context.Context, n exeunt.Notice, c exeunt.Case, t *exeunt.Task) error {
	if n.To.Email == "" {
		return exeunt.Errorf(exeunt.Invalid, "%s has no e-mail address in the configuration", n.To)
	}
	composed := Compose(n, c, t, m.links)
	msg := mail.NewMsg()
	if err := msg.From(m.server.From); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "mail.from is not an e-mail address").Because(err)
	}
	if err := msg.AddToFormat(composed.To.Name, composed.To.Email); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "%q is not an e-mail address", composed.To.Email).Because(err)
	}
	msg.Subject(composed.Subject)
	msg.SetBodyString(mail.TypeTextPlain, composed.Text)
	return m.send(ctx, msg, composed.To.Email)
}

// Letter is a mail that is about no case.
type Letter struct {
	To            []string // addresses
	Subject, Text string
	Name          string // of the file that is attached
	File          []byte
}

// Send sends a letter. An error is Temporary unless the server refused an address for good.
func (m *Mail) Send(ctx context.Context, l Letter) error {
	msg := mail.NewMsg()
	if err := msg.From(m.server.From); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "mail.from is not an e-mail address").Because(err)
	}
	if err := msg.To(l.To...); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "%q is not an e-mail address", l.To).Because(err)
	}
	msg.Subject(l.Subject)
	msg.SetBodyString(mail.TypeTextPlain, l.Text)
	if err := msg.AttachReader(l.Name, bytes.NewReader(l.File)); err != nil {
		return exeunt.Errorf(exeunt.Internal, "the file %s cannot be attached", l.Name).Because(err)
	}
	return m.send(ctx, msg, strings.Join(l.To, ", "))
}

func (m *Mail) send(ctx context.Context, msg *mail.Msg, to string) error {
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation replies, please
	client, err := m.client()
	if err != nil {
		return err
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return classify(err, m.server.Host, to)
	}
	return nil
}

func (m *Mail) client() (*mail.Client, error) {
	options := []mail.Option{mail.WithTimeout(20 * time.Second), mail.WithPort(m.server.Port)}
	switch m.server.TLS {
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	case "tls":
		options = append(options, mail.WithSSL())
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.server.CAFile != "" {
		pem, err := os.ReadFile(m.server.CAFile)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "mail.ca_file cannot be read").Because(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		options = append(options, mail.WithTLSConfig(&tls.Config{RootCAs: pool, ServerName: m.server.Host, MinVersion: tls.VersionTLS12}))
	}
	if m.server.Password != nil {
		password, err := m.server.Password()
		if err != nil {
			return nil, err
		}
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.server.Username), mail.WithPassword(password))
	}
	client, err := mail.NewClient(m.server.Host, options...)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the mail server's settings are not usable").Because(err)
	}
	return client, nil
}

// classify keeps the server's words, which may hold addresses, out of the message.
func classify(err error, host, to string) error {
	if sent, ok := errors.AsType[*mail.SendError](err); ok && !sent.IsTemp() && sent.Reason == mail.ErrSMTPRcptTo {
		return exeunt.Errorf(exeunt.Invalid, "the mail server %s refuses the address %s", host, to).Because(err)
	}
	return exeunt.Errorf(exeunt.Temporary, "the mail server %s did not take the message; it is tried again", host).Because(err)
}

// Nobody is the channel of an installation without mail: people see their tasks in the pages only.
type Nobody struct{}

// Deliver does nothing.
func (Nobody) Deliver(context.Context, exeunt.Notice, exeunt.Case, *exeunt.Task) error { return nil }

// Examine signs in to the mail server and leaves again, without a message. Whether it takes mail from our sender only a
// message shows.
func (m *Mail) Examine(ctx context.Context) error {
	client, err := m.client()
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return connecting(err, m.server.Host)
	}
	return connecting(client.Close(), m.server.Host)
}

// connecting classes why there is no session, without the server's words.
func connecting(err error, host string) error {
	answer, ok := errors.AsType[*textproto.Error](err)
	switch {
	case err == nil:
		return nil
	case ok && (answer.Code == 535 || answer.Code == 534 || answer.Code == 530): // RFC 4954 §6
		return exeunt.Errorf(exeunt.Unauthorised, "the mail server %s refused our name or password (%d): renew mail.password", host, answer.Code).Because(err)
	case ok:
		return exeunt.Errorf(exeunt.Denied, "the mail server %s does not let us in (%d): see whether it takes mail from this machine", host, answer.Code).Because(err)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return exeunt.Errorf(exeunt.Denied, "the certificate of the mail server %s is not trusted: check mail.host and its certificate", host).Because(err)
	}
	return exeunt.Errorf(exeunt.Temporary, "the mail server %s does not answer: check mail.host, mail.port and mail.tls, and that this machine may reach it", host).Because(err)
}
