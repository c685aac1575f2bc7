package secret

import "testing"

func TestNamed(t *testing.T) {
	for name, want := range map[string]bool{
		"wifi-security.psk": true, "psk": true, "WPA_PSK": true, "wpa-psk": true, "802-1x.password": true, "password-raw": true, "wep-key0": true,
		"KEY1": true, "KEY": true, "wireguard.private-key": true, "PrivateKey": true, "preshared-key": true, "vpn-secrets.password": true,
		"gsm.pin": true, "macsec.mka-cak": true, "PASSWORD": true, "auth.password": true, "leap-password": true, "client-key-password": true,
		"phase2-private-key-password": true, "access_token": true, "bindpw": true, "tunnels.wg0.key": true, "IEEE_8021X_PRIVATE_KEY_PASSWORD": true,

		"psk-flags": false, "password-flags": false, "PublicKey": false, "key-mgmt": false, "KEY_MGMT": false, "keyfile": false, "passwd_tries": false,
		"passwordauthentication": false, "PrivateKeyFile": false, "id": false, "spinner": false, "ssid": false, "keyboard": false, "wep-key-type": false,
		"monkey": false,
	} {
		if got := Named(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if Value("psk", "") != "" || Value("psk", "x") != Present || Value("ssid", "x") != "x" {
		t.Error("values")
	}
}
