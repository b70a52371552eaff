package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// Person is somebody who works at the company. All of them are made up.
type Person struct {
	Number     int    // HR id, as BambooHR gives it
	EmployeeID string // "LK-00042"
	Given      string
	Family     string
	Title      string
	Department string
	Manager    string // HR id of the manager as text; "" for the one at the top
	Place      Place
	HiredOn    exeunt.Date
	Employment string
	Login      string // of the code host
	WorkEmail  string
	HomeEmail  string
	UUID       string
}

// Place is where somebody works.
type Place struct{ Name, Zone, Country, Region string }

// Name is given and family name.
func (p Person) Name() string { return p.Given + " " + p.Family }

// ID is the HR id as text.
func (p Person) ID() string { return fmt.Sprint(p.Number) }

// Leaver is the person as a departure has them.
func (p Person) Leaver() exeunt.Leaver {
	return exeunt.Leaver{
		ID: p.ID(), Entity: Entity, Name: p.Name(), Title: p.Title, Department: p.Department,
		Place: p.Place.Name, Zone: p.Place.Zone, Country: p.Place.Country, Region: p.Place.Region,
		Employment: p.Employment, HiredOn: p.HiredOn,
		Identifiers: map[exeunt.IdentifierKind]string{
			exeunt.EmployeeID: p.EmployeeID, exeunt.WorkEmail: p.WorkEmail, exeunt.PersonalEmail: p.HomeEmail,
			exeunt.PrincipalName: p.WorkEmail, exeunt.Login: p.Login, exeunt.UUID: p.UUID,
		},
	}
}

// What the company is called. The domain is reserved for examples (RFC 2606).
const (
	CompanyName = "Larkfield Instruments"
	Domain      = "larkfield.example"
	Entity      = "larkfield"
)

var places = []Place{
	{"Berlin", "Europe/Berlin", "DE", "BE"},
	{"London", "Europe/London", "GB", "LND"},
	{"New York", "America/New_York", "US", "NY"},
	{"Austin", "America/Chicago", "US", "TX"},
	{"Denver", "America/Denver", "US", "CO"},
	{"San Francisco", "America/Los_Angeles", "US", "CA"},
	{"Toronto", "America/Toronto", "CA", "ON"},
	{"Bengaluru", "Asia/Kolkata", "IN", "KA"},
	{"Sydney", "Australia/Sydney", "AU", "NSW"},
	{"Lisbon", "Europe/Lisbon", "PT", "11"},
}

// departments with the titles of those in them; the first leads it. The share is of a hundred.
var departments = []struct {
	name   string
	share  int
	titles []string
}{
	{"Engineering", 34, []string{"VP Engineering", "Software Engineer", "Senior Software Engineer", "Site Reliability Engineer", "Firmware Engineer"}},
	{"Manufacturing", 18, []string{"Plant Manager", "Assembly Technician", "Quality Inspector", "Process Engineer"}},
	{"Sales", 16, []string{"Head of Sales", "Account Executive", "Sales Engineer", "Account Manager"}},
	{"Customer Care", 10, []string{"Head of Customer Care", "Support Specialist", "Field Service Engineer"}},
	{"Finance", 7, []string{"Finance Director", "Accountant", "Payroll Specialist", "Controller"}},
	{"Marketing", 6, []string{"Head of Marketing", "Content Editor", "Product Marketer"}},
	{"People", 5, []string{"Head of People", "HR Partner", "Recruiter"}},
	{"IT", 4, []string{"IT Manager", "Systems Administrator", "Identity Engineer"}},
}

var givenNames = strings.Fields(`Aaliyah Adrián Agnieszka Aiko Alejandra Amara Amit Anders Anika Anouk Arjun Astrid Ayşe Beatriz
 Benedikt Bożena Camille Carlos Chidi Chloé Daniela Darius Devika Dmitri Eilidh Elena Emeka Emre Esther Farah Felipe Fiona Freya
 Gabriel Gareth Giulia Hana Hannah Hiroshi Idris Imani Ines Ingrid Ivo Jamal Jasmin João Johanna Jorge Kavya Keiko Kofi Lars Leila
 Liam Linnea Lucía Magnus Maren Mateo Mei Milan Mónica Naomi Nikolai Nora Olu Omar Paloma Petra Priya Rafael Rania Ravi Rosalind
 Ruth Samir Saoirse Selma Seo-yeon Sibusiso Simone Søren Svetlana Tamsin Tariq Theo Tomasz Uma Valentina Viktor Wanjiru Wei Xavier
 Yara Yusuf Zanele Zoë`)

var familyNames = strings.Fields(`Abara Achterberg Adeyemi Ahlström Akhtar Alvarado Andersen Baptiste Barros Becker Bergström Bhatt
 Blackwood Brandt Castellano Chandra Chen Cisneros Costa Czerny D'Souza Dąbrowski Delacroix Demir Dlamini Eriksen Fairchild Ferreira
 Fischer Fitzgerald Fontaine Fujimoto García Ghosh Grünwald Haddad Halvorsen Hartmann Hayashi Holloway Ibrahim Ivanova Jankowski
 Jensen Kapoor Kaya Keller Kimura Kowalczyk Kruger Lindqvist Lopes MacLeod Mbeki Mehta Mendoza Moreau Nakamura Ndlovu Nguyen Novák
 O'Brien Oduya Okafor Olsen Osei Pacheco Park Pereira Petrov Quinn Rahman Ramírez Reinhardt Rossi Sato Schwarz Sharma Silva Sørensen
 Takeda Tanaka Thornton Tremblay Ueda Vasquez Villanueva Vogel Walsh Weaver Winters Yamamoto Yılmaz Zhang Zielinski`)

var plainLetters = strings.NewReplacer("á", "a", "ä", "ae", "ą", "a", "ç", "c", "é", "e", "ë", "e", "ı", "i", "í", "i", "ł", "l", "ñ", "n", "ó", "o",
	"ö", "oe", "ø", "o", "ß", "ss", "ş", "s", "ü", "ue", "ú", "u", "ż", "z", "ã", "a", "'", "", "-", "")

// Workforce makes people: the same for the same size and seed. The first is at the top, then come
// those who lead a department.
func Workforce(size int, seed uint64) []Person {
	r := rand.New(rand.NewPCG(seed, 0x6c61726b)) //nolint:gosec // not a secret
	taken := map[string]int{}
	people := make([]Person, 0, size)
	for i := range size {
		p := Person{Number: 101 + i, EmployeeID: fmt.Sprintf("LK-%05d", 101+i), Employment: "employee"}
		p.Given, p.Family = givenNames[r.IntN(len(givenNames))], familyNames[r.IntN(len(familyNames))]
		p.place(i, r)
		p.address(taken)
		p.HiredOn = exeunt.Date(time.Date(2012, 1, 2, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(365*13)).Format(time.DateOnly))
		if i > len(departments) && r.IntN(12) == 0 {
			p.Employment = "contractor"
		}
		p.UUID = fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Uint64()&0xffffffffffff)
		people = append(people, p)
	}
	return people
}

// place gives the person a department, a title, a manager and a place of work.
func (p *Person) place(i int, r *rand.Rand) {
	p.Place = places[r.IntN(len(places))]
	if i == 0 {
		p.Title, p.Department = "Chief Executive", "Management"
		return
	}
	d := i - 1
	if i > len(departments) {
		d = 0
		for point := r.IntN(100); d < len(departments)-1 && point >= departments[d].share; d++ {
			point -= departments[d].share
		}
	}
	p.Department, p.Title = departments[d].name, departments[d].titles[0]
	p.Manager = "101"
	if i > len(departments) {
		p.Title = departments[d].titles[1+r.IntN(len(departments[d].titles)-1)]
		p.Manager = fmt.Sprint(102 + d)
	}
}

// address makes the identifiers from the name; a namesake gets a number.
func (p *Person) address(taken map[string]int) {
	given, family := plainLetters.Replace(strings.ToLower(p.Given)), plainLetters.Replace(strings.ToLower(p.Family))
	key := given + "." + family
	taken[key]++
	number := ""
	if n := taken[key]; n > 1 {
		number = fmt.Sprint(n)
	}
	p.WorkEmail = key + number + "@" + Domain
	p.HomeEmail = given + family + number + "@mail.example"
	p.Login = given + "-" + family + number + "-lk"
}
