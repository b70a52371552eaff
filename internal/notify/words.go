package notify

import (
	"fmt"
	"strings"

	"github.com/exeunt/exeunt"
)

// Message is a notice in words.
type Message struct {
	To      exeunt.Person
	Subject string
	Text    string
}

// Compose writes a notice. The task is nil for an alert.
func Compose(n exeunt.Notice, c exeunt.Case, t *exeunt.Task, links Links) Message {
	if t == nil {
		return Message{To: n.To, Subject: "Exeunt: " + firstLine(n.Text), Text: n.Text + "\n\nAll entries: " + links.Page("/audit") + "\n"}
	}
	due := t.Deadline.In(c.Zone()).Format("Mon 2 Jan, 15:04 MST")
	day := t.Deadline.In(c.Zone()).Format("Mon 2 Jan")
	whose := c.Leaver().Name
	m := Message{To: n.To}
	switch n.Kind {
	case exeunt.NoticeReminder:
		m.Subject = fmt.Sprintf("Reminder: %s for %s by %s", t.Title, whose, day)
	case exeunt.NoticeLate:
		m.Subject = fmt.Sprintf("Late: %s for %s was due %s", t.Title, whose, day)
	default:
		m.Subject = fmt.Sprintf("%s for %s by %s", t.Title, whose, day)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s,\n\n", firstName(n.To))
	fmt.Fprintf(&b, "%s\nFor: %s\nDue: %s\n", t.Title, whose, due)
	if t.Reason != "" {
		fmt.Fprintf(&b, "Why you are asked: %s\n", t.Reason)
	}
	if caution := c.Caution(); caution != "" {
		fmt.Fprintf(&b, "\n%s\n", caution)
	}
	if t.Procedure != "" {
		fmt.Fprintf(&b, "\nHow it is done:\n%s\n", strings.TrimSpace(t.Procedure))
	}
	for _, item := range t.Checklist {
		fmt.Fprintf(&b, "  - %s\n", item)
	}
	if strings.EqualFold(n.To.Email, t.Owner.Email) {
		link := links.For(*t)
		fmt.Fprintf(&b, "\nDo it here; no account is needed. The link is for you alone and ends on %s:\n%s\n",
			link.Until.In(c.Zone()).Format("2 January 2006"), links.URL(link))
	} else {
		fmt.Fprintf(&b, "\nOwner: %s\n%s\n", t.Owner, links.Page("/tasks?sel="+t.ID.String()))
	}
	m.Text = b.String()
	return m
}

func firstName(p exeunt.Person) string {
	name, _, _ := strings.Cut(p.String(), " ")
	return name
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	if r := []rune(line); len(r) > 120 {
		line = string(r[:119]) + "…"
	}
	return line
}
