package exeunt

// Account is a leaver's account in one system, by the vendor's immutable id.
type Account struct {
	ID    string `json:"id"`              // immutable: objectGUID, entryUUID, SCIM id; never an address
	Login string `json:"login,omitempty"` // what people recognise it by
}
