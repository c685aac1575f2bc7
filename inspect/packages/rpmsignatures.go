package packages

import (
	"encoding/base64"
	"maps"
	"slices"

	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/report"
)

// signatureTags are the tags that hold OpenPGP signatures, by their numbers.
func signatureTags() map[uint32]string {
	return map[uint32]string{259: "sigpgp", 262: "siggpg", 267: "dsaheader", 268: "rsaheader", 278: "openpgp"}
}

// rpmSignatures tells who signed the package; whether it is true is not checked.
func rpmSignatures(h *rpmdb.Header) []report.RPMSignature {
	var list []report.RPMSignature
	names := signatureTags()
	for _, id := range slices.Sorted(maps.Keys(names)) {
		t := h.Find(id)
		if t == nil {
			continue
		}
		if t.Type == rpmdb.Binary {
			list = append(list, rpmSignature(names[id], t.Data, nil))
			continue
		}
		for _, s := range t.Strings() {
			data, err := base64.StdEncoding.DecodeString(s)
			list = append(list, rpmSignature(names[id], data, err))
		}
	}
	return list
}

func rpmSignature(tag string, data []byte, err error) report.RPMSignature {
	s := report.RPMSignature{Tag: tag}
	if err == nil {
		err = eachPacket(data, func(kind int, body []byte) error {
			if kind != packetSignature || s.Algorithm != "" {
				return nil
			}
			sig, err := parseSignature(body)
			if err != nil {
				return err
			}
			s.Algorithm, s.Key, s.Fingerprint, s.Created = signatureAlgorithm(sig), sig.issuer, sig.fingerprint, stamp(uint64(sig.created))
			return nil
		})
	}
	if err != nil {
		s.Error = err.Error()
	}
	return s
}
