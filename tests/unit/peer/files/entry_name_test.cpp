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
