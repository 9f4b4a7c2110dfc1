// Paths that no receiver may take: ways out of its directory in every dress, and names that lie to
// the eye.
#pragma once

#include <string>
#include <vector>

namespace pinhole::peer::files::test {

/// The length-prefixed text of a literal that holds a NUL.
template <std::size_t N>
std::string with_nul(const char (&text)[N]) {
    return std::string(text, N - 1);
}

inline std::vector<std::string> hostile_names() {
    const std::vector<std::string> ways_out{"..",
                                            "../x",
                                            "../../x",
                                            "a/../../x",
                                            "a/b/../../../x",
                                            "/x",
                                            "//x",
                                            "/",
                                            "///",
                                            "./x",
                                            "x/.",
                                            "x/..",
                                            "./..",
                                            ".",
                                            "a//b",
                                            "a/",
                                            "a/./b",
                                            "/../x",
                                            "../",
                                            "./",
                                            "a/../b",
                                            "../.ssh",
                                            ".ssh/x",
                                            ".bashrc",
                                            "../.bashrc",
                                            "/etc/cron.d/x",
                                            "",
                                            "a/b//c",
                                            "/dev/null",
                                            "/proc/self/mem"};
    std::vector<std::string> out = ways_out;
    // Each control character, alone, in front, inside and at the end.
    for (int code = 0; code < 0x20; ++code) {
        const std::string control(1, static_cast<char>(code));
        for (const std::string& name : {control, control + "a", "a" + control + "b", "a" + control,
                                        "d/" + control, ".." + control}) {
            out.push_back(name);
        }
    }
    // What reorders or hides text, as UTF-8.
    for (const char* unseen :
         {"\u200b", "\u200c", "\u200e", "\u200f", "\u202a", "\u202b",     "\u202c", "\u202d",
          "\u202e", "\u2060", "\u2066", "\u2067", "\u2068", "\u2069",     "\ufeff", "\u2028",
          "\u2029", "\u007f", "\u0080", "\u009b", "\u00ad", "\U000e0041", "\ue000"}) {
        const std::string text{unseen};
        for (const std::string& name :
             {text, text + "a", "photo" + text + "gpj.exe", "a" + text, "d/" + text + "/x",
              ".." + text, text + "..", "../" + text}) {
            out.push_back(name);
        }
    }
    // Bytes that are no UTF-8: stray, cut, over-long forms of '/', '.' and NUL, surrogates.
    for (const std::string& bad :
         {std::string{"\x80"}, std::string{"\xbf"}, std::string{"\xff"}, std::string{"\xfe"},
          std::string{"\xc3"}, std::string{"\xe2\x82"}, std::string{"\xf0\x9f\x98"},
          std::string{"\xc0\xaf"}, std::string{"\xc0\xae\xc0\xae"}, std::string{"\xe0\x80\xaf"},
          std::string{"\xc0\x80"}, std::string{"\xed\xa0\x80"}, std::string{"\xf4\x90\x80\x80"},
          std::string{"\xf8\x88\x80\x80\x80"}}) {
        for (const std::string& name : {bad, "a" + bad, bad + "a", "d/" + bad, bad + "/x"}) {
            out.push_back(name);
        }
    }
    // Ways out behind something harmless, at every depth.
    std::string deep;
    for (int depth = 0; depth < 31; ++depth) {
        deep += "d/";
        out.push_back(deep + "..");
        out.push_back(deep + "../x");
        out.push_back("/" + deep + "x");
    }
    // Too long, too deep, and cut short by a NUL.
    out.push_back(std::string(256, 'a'));
    out.push_back(std::string(4096, 'a'));
    out.push_back("d/" + std::string(256, 'a'));
    out.push_back(deep + "d/d/x");
    out.push_back(with_nul("a\0/../../x"));
    out.push_back(with_nul("../x\0.jpg"));
    return out;
}

}  // namespace pinhole::peer::files::test
