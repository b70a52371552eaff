package exeunt

// NoticeKind says why somebody is told something.
type NoticeKind string

// The kinds of notice.
const (
	NoticeAssigned NoticeKind = "assigned" // a task is yours
	NoticeReminder NoticeKind = "reminder" // its deadline nears
	NoticeLate     NoticeKind = "late"     // its deadline has passed
	NoticeFailed   NoticeKind = "failed"   // automation stopped and the fallback is yours
	NoticeAlert    NoticeKind = "alert"    // something needs an operator: a breaker, the ledger, a refused hook
)

// Notice is a message that a change owes to a person. It is committed with the change and delivered
// by a job; (Case, Task, Dedup) makes a repeat harmless. It never holds the type or reason of leaving.
type Notice struct {
	ID    int64      `json:"id"`
	Kind  NoticeKind `json:"kind"`
	To    Person     `json:"to"`
	Case  CaseID     `json:"case,omitempty"`
	Task  string     `json:"task,omitempty"` // key of the task
	Text  string     `json:"text,omitempty"` // for alerts
	Dedup string     `json:"dedup"`
}

func (t Task) notice(kind NoticeKind, dedup string) Notice {
	return Notice{Kind: kind, To: t.Owner, Case: t.Case, Task: t.Key, Dedup: dedup}
}
