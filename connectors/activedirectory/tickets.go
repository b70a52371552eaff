package activedirectory

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt/internal/directory"
)

// A domain revokes no ticket. Its domain controllers give a disabled account no new one, and renew none (MS-KILE 3.3.5.7.1);
// who has one goes on until it ends. How long that is, a domain says in three places:
//
//   - an authentication policy of the account, or of its silo: msDS-UserTGTLifetime, which LDAP shows (MS-KILE 3.3.5.5)
//   - that the account is in Protected Users: 4 h (Microsoft, "Protected Users Security Group")
//   - maxTicketAge of the Default Domain Policy, which is a file in SYSVOL. LDAP has an attribute of that name in the class
//     domainPolicy, which is empty since group policies took its place; so it is a setting of ours.
const (
	usualTicket     = 10 * time.Hour
	protectedTicket = 4 * time.Hour
	server2012R2    = 6 // the level of Windows Server 2012 R2 (MS-ADTS 6.1.4.2), which brought the first two
)

// ticket is how long a ticket of an account lives, and by what that is known.
type ticket struct {
	lives time.Duration
	by    string
}

func (t ticket) String() string { return fmt.Sprintf("%s (%s)", hours(t.lives), t.by) }

func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}

// usual is what the settings say of a whole domain.
func (s Settings) usual() ticket {
	if s.TicketHours > 0 {
		return ticket{time.Duration(s.TicketHours) * time.Hour, "ticket_hours"}
	}
	return ticket{usualTicket, "assumed, as where nobody changed it: set ticket_hours"}
}

// binding is what an authentication policy says.
type binding struct {
	name  string
	units int64 // of 100 ns
}

// life says how long a ticket lives by all that is known of an account: the level of the domain controller, whether it is in
// Protected Users, and the policy that binds it, if any.
func (s Settings) life(level int, protected bool, policy *binding) ticket {
	usual := s.usual()
	switch {
	case level < server2012R2:
		return usual
	case policy != nil && policy.units > 0:
		return ticket{time.Duration(policy.units) * 100, "authentication policy " + policy.name}
	case protected && usual.lives > protectedTicket:
		return ticket{protectedTicket, "Protected Users"}
	}
	return usual
}

// ticket says how long a ticket of the account lives. What cannot be read does not shorten it.
func (s Settings) ticket(c *ldap.Conn, u user) (ticket, error) {
	protected, err := inProtectedUsers(c, u)
	if err != nil {
		return ticket{}, err
	}
	if u.policy == "" && u.silo == "" && !protected {
		return s.usual(), nil
	}
	root, err := directory.Read(c, "", "domainControllerFunctionality")
	if err != nil {
		return s.usual(), directory.Passing(err)
	}
	level, _ := strconv.Atoi(root.GetAttributeValue("domainControllerFunctionality")) // not told: too old
	policy, err := policyOf(c, u)
	return s.life(level, protected, policy), directory.Passing(err)
}

// policyOf is the authentication policy that binds the account; nil when there is none. A silo counts for those whom it
// lists, too, and before a policy of one's own; neither counts where it is only audited.
func policyOf(c *ldap.Conn, u user) (*binding, error) {
	name, enforced := u.policy, "(msDS-AuthNPolicyEnforced=TRUE)"
	if u.silo != "" {
		bound := "(&(msDS-AuthNPolicySiloEnforced=TRUE)(msDS-AuthNPolicySiloMembers=" + ldap.EscapeFilter(u.dn) + "))"
		silo, err := directory.ReadIf(c, u.silo, bound, "msDS-UserAuthNPolicy")
		if err != nil {
			return nil, err
		}
		if silo != nil {
			name, enforced = silo.GetAttributeValue("msDS-UserAuthNPolicy"), "(objectClass=*)" // the silo is
		}
	}
	if name == "" {
		return nil, nil //nolint:nilnil // none is an answer
	}
	policy, err := directory.ReadIf(c, name, enforced, "cn", "msDS-UserTGTLifetime")
	if policy == nil || err != nil {
		return nil, err
	}
	units, _ := strconv.ParseInt(policy.GetAttributeValue("msDS-UserTGTLifetime"), 10, 64) // not there: it says nothing of it
	return &binding{policy.GetAttributeValue("cn"), units}, nil
}

// inProtectedUsers says whether the account is in the group of that name, through other groups, too.
func inProtectedUsers(c *ldap.Conn, u user) (bool, error) {
	id := sidText(u.sid, strconv.Itoa(protectedUsers))
	if len(u.groups) == 0 || id == "" {
		return false, nil
	}
	found, err := directory.ReadIf(c, "<SID="+id+">", "(member:"+inChain+":="+ldap.EscapeFilter(u.dn)+")", "1.1")
	return found != nil, directory.Passing(err)
}
