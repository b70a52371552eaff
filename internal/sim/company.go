package sim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// Company is the people and the systems that they use.
type Company struct {
	People []Person

	HR        *BambooHR
	Directory *Vendor
	Identity  *Vendor
	Payroll   *Vendor
	Benefits  *Vendor
	Chat      *Vendor // late, and throttled
	Code      *Vendor
	CRM       *Vendor // says yes and does nothing
}

// How the difficult systems are difficult when a company starts.
const (
	ChatLag        = 3 * time.Second
	chatThrottled  = 7 // each so many'th request
	chatRetryAfter = "1"
)

// New makes a company of so many people, the same for the same seed. Its systems can be asked by
// their ServeHTTP; Start gives them addresses.
func New(people int, seed uint64) *Company {
	c := &Company{
		People:    Workforce(people, seed),
		Directory: newDirectory(), Identity: newIdentity(), Payroll: newPayroll(), Benefits: newBenefits(),
		Chat: newWorkspace("chat"), Code: newCodeHost(), CRM: newWorkspace("crm"),
	}
	c.HR = newBambooHR(c.People)
	for _, v := range c.vendors()[1:] {
		for _, p := range c.People {
			v.hire(p)
		}
	}
	c.Chat.Lag(ChatLag)
	c.Chat.Break(Fault{Every: chatThrottled, Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": chatRetryAfter}})
	c.CRM.Deafen(true)
	return c
}

// Start makes a company as New does and starts its systems on free ports of this machine. They run
// until Close.
func Start(ctx context.Context, people int, seed uint64) (*Company, error) {
	c := New(people, seed)
	for _, v := range c.vendors() {
		if err := v.start(ctx); err != nil {
			return nil, errors.Join(exeunt.Errorf(exeunt.Internal, "the simulator %s cannot listen on this machine", v.Name).Because(err), c.Close())
		}
	}
	return c, nil
}

// Close ends every system.
func (c *Company) Close() error {
	var all []error
	for _, v := range c.vendors() {
		all = append(all, v.close())
	}
	return errors.Join(all...)
}

func (c *Company) vendors() []*Vendor {
	return []*Vendor{c.HR.Vendor, c.Directory, c.Identity, c.Payroll, c.Benefits, c.Chat, c.Code, c.CRM}
}

// Hire adds a person to every system.
func (c *Company) Hire(p Person) {
	c.HR.mu.Lock()
	c.HR.records[p.ID()] = record(p, "")
	c.HR.mu.Unlock()
	for _, v := range c.vendors()[1:] {
		v.hire(p)
	}
}

// System is one of the company's systems as an inventory would have it.
type System struct {
	Vendor     *Vendor
	Name       string
	Title      string
	Kind       string
	Identifier exeunt.IdentifierKind
	Settings   json.RawMessage
}

// Systems lists every system with its connector's settings.
func (c *Company) Systems() []System {
	var out []System
	add := func(v *Vendor, title, kind string, identifier exeunt.IdentifierKind, settings map[string]any) {
		settings["base_url"] = v.URL
		encoded, err := json.Marshal(settings)
		if err != nil {
			panic(err) // texts and maps of texts always encode
		}
		out = append(out, System{v, v.Name, title, kind, identifier, encoded})
	}
	secret := func(v *Vendor) string { return "env:" + variable(v) }
	add(c.Directory, "Staff directory", "scim", exeunt.WorkEmail, map[string]any{"token": secret(c.Directory)})
	add(c.Identity, "Single sign-on", "http", exeunt.WorkEmail, map[string]any{"spec": "identity", "client_id": ClientID, "client_secret": secret(c.Identity)})
	add(c.Payroll, "Payroll", "http", exeunt.EmployeeID, map[string]any{"spec": "payroll", "token": secret(c.Payroll)})
	add(c.Benefits, "Benefits administrator", "http", exeunt.EmployeeID, map[string]any{"spec": "benefits", "username": BenefitsUser, "password": secret(c.Benefits)})
	add(c.Chat, "Team chat", "http", exeunt.WorkEmail, map[string]any{"spec": "workspace", "token": secret(c.Chat)})
	add(c.Code, "Code host", "http", exeunt.Login, map[string]any{"spec": "github", "token": secret(c.Code), "values": map[string]string{"org": Organisation}})
	add(c.CRM, "Customer records", "http", exeunt.WorkEmail, map[string]any{"spec": "workspace", "token": secret(c.CRM)})
	return out
}

// Environment is every secret by the name of the variable that settings refer to, such as
// EXEUNT_SIM_PAYROLL_TOKEN; the HR system's API key and webhook key are EXEUNT_SIM_HR_TOKEN and
// EXEUNT_SIM_HR_WEBHOOK_KEY.
func (c *Company) Environment() map[string]string {
	env := map[string]string{"EXEUNT_SIM_HR_WEBHOOK_KEY": c.HR.PrivateKey}
	for _, v := range c.vendors() {
		env[variable(v)] = v.Token
	}
	return env
}

func variable(v *Vendor) string { return "EXEUNT_SIM_" + strings.ToUpper(v.Name) + "_TOKEN" }
