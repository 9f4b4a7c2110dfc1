#include "peer/files/entry_name.hpp"

#include <string>

#include <gtest/gtest.h>

#include "peer/text_sanitizer.hpp"
#include "tests/unit/peer/files/hostile_names.hpp"

namespace pinhole::peer::files {
namespace {

TEST(EntryName, TakesWhatPeopleCallTheirFiles) {
    for (const char* path : {"a", "photos/2026/IMG 0001.jpg", "-rf", "~", "Grüße.txt", "日本語",
                             "a:b*c?", "a.part-12345678", "C:\\windows\\system32", " ", "%2e%2e",
                             "a/..b/b..", "CON", "🚀.png"}) {
        EXPECT_EQ(fault_of_path(path, false), std::nullopt) << path;
    }
    EXPECT_EQ(fault_of_path(std::string(kComponentBytesMax, 'a'), false), std::nullopt);
}

TEST(EntryName, RefusesWhatLeadsOutOrCannotBeSeen) {
    EXPECT_EQ(fault_of_path("", false), NameFault::kEmpty);
    EXPECT_EQ(fault_of_path("/etc/passwd", false), NameFault::kEmpty);
    EXPECT_EQ(fault_of_path("a//b", false), NameFault::kEmpty);
    EXPECT_EQ(fault_of_path("a/", false), NameFault::kEmpty);
    EXPECT_EQ(fault_of_path("..", true), NameFault::kDots);
    EXPECT_EQ(fault_of_path("a/../../b", false), NameFault::kDots);
    EXPECT_EQ(fault_of_path("a/./b", false), NameFault::kDots);
    EXPECT_EQ(fault_of_path(std::string(kComponentBytesMax + 1, 'a'), false), NameFault::kLong);
    EXPECT_EQ(fault_of_path(std::string("a\0b", 3), false), NameFault::kUnseen);
    EXPECT_EQ(fault_of_path("a\nb", false), NameFault::kUnseen);
    EXPECT_EQ(fault_of_path("a\x1b[2Jb", false), NameFault::kUnseen);
    EXPECT_EQ(fault_of_path("a\xff", false), NameFault::kUnseen);
    EXPECT_EQ(fault_of_path("gpj.\u202eexe", false), NameFault::kUnseen);
    EXPECT_EQ(fault_of_path("a\u200b", false), NameFault::kUnseen);
}

TEST(EntryName, JoinersStandWhereTheyAreSeen) {
    const std::string family = "\U0001F469\u200D\U0001F469\u200D\U0001F467";
    const std::string flag = "\U0001F3F3\uFE0F\u200D\U0001F308";
    const std::string coder = "\U0001F469\U0001F3FD\u200D\U0001F4BB";
    const std::string persian = "\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645";
    const std::string hindi = "\u0915\u094D\u200D\u0937";
    for (const std::string& name : {family, flag, coder, persian, hindi}) {
        EXPECT_EQ(fault_of_path("a/" + name + ".jpg", false), std::nullopt) << name;
    }
    // Elsewhere nobody sees them, so two names would look the same.
    for (const std::string& name :
         {std::string{"pass\u200Cword"}, std::string{"pass\u200Dword"}, "\u200D" + family,
          family + "\u200D", persian + "\u200C", persian + "\u200C.txt",
          std::string{"\u0645\u200C\u200C\u062E"}, std::string{"\U0001F469\u200C\U0001F467"},
          std::string{"\u00A9\u200D\u00AE"}, std::string{"1\uFE0F\u200D2"},
          std::string{"\u0645\u200Ca"}, std::string{"\u4E00\u200D\u4E00"},
          std::string{"\u202E\u200D\u0645"}}) {
        EXPECT_EQ(fault_of_path(name, false), NameFault::kUnseen) << sanitized(name);
    }
}

TEST(EntryName, ADotInFrontIsTakenOnlyWhereAsked) {
    EXPECT_EQ(fault_of_path(".ssh/authorized_keys", false), NameFault::kHidden);
    EXPECT_EQ(fault_of_path(".ssh/authorized_keys", true), std::nullopt);
    EXPECT_EQ(fault_of_path("project/.gitignore", false), std::nullopt);
}

TEST(EntryName, DepthHasAnEnd) {
    std::string path = "d";
    for (std::size_t i = 1; i < kDepthMax; ++i) path += "/d";
    EXPECT_EQ(fault_of_path(path, false), std::nullopt);
    EXPECT_EQ(fault_of_path(path + "/d", false), NameFault::kDeep);
}

TEST(EntryName, NoHostileNameOfTheCorpusIsTaken) {
    const auto names = test::hostile_names();
    EXPECT_GE(names.size(), 500U);
    for (const std::string& name : names) {
        EXPECT_NE(fault_of_path(name, false), std::nullopt) << sanitized(name);
    }
}

TEST(EntryName, EachFaultHasASentence) {
    for (int fault = 0; fault <= static_cast<int>(NameFault::kHidden); ++fault) {
        EXPECT_FALSE(sentence_of(static_cast<NameFault>(fault)).empty());
    }
}

}  // namespace
}  // namespace pinhole::peer::files
