package probe

import "testing"

func TestZone(t *testing.T) {
	if _, err := Zone("Europe/Paris"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", "Local", "Mars/Olympus", "../../etc/passwd"} {
		if _, err := Zone(name); err == nil {
			t.Errorf("%q loads", name)
		}
	}
}

func TestUserName(t *testing.T) {
	const passwd = "# users\nroot:x:0:0::/root:\napp:x:10:20::/home/app:\n"
	for uid, want := range map[int]string{0: "root", 10: "app", 20: ""} {
		if got := userName(passwd, uid); got != want {
			t.Errorf("uid %d: %q, want %q", uid, got, want)
		}
	}
	if got := userName("", 0); got != "" {
		t.Errorf("%q in an empty file", got)
	}
}
