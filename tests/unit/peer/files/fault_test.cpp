// Faults of the disk, by the names that both sides hear; and what a list of files is known by.
#include <cerrno>

#include <gtest/gtest.h>

#include "tests/unit/peer/files/file_pair.hpp"

namespace pinhole::peer::files {
namespace {

namespace fs = std::filesystem;
using test::FilePair;
using test::write_file;

TEST(Fault, OfTheDiskIsNamedForWhatItIs) {
    using std::errc;
    const std::map<errc, Outcome> expected{
        {errc::no_space_on_device, Outcome::kNoSpace},
        {errc{EDQUOT}, Outcome::kNoSpace},
        {errc::device_or_resource_busy, Outcome::kBusy},
        {errc::text_file_busy, Outcome::kBusy},
        {errc::filename_too_long, Outcome::kBadName},
        {errc::illegal_byte_sequence, Outcome::kBadName},
        {errc::file_too_large, Outcome::kFailed},
        {errc::read_only_file_system, Outcome::kFailed},
        {errc::permission_denied, Outcome::kFailed},
        {errc::operation_not_permitted, Outcome::kFailed},
        {errc::io_error, Outcome::kFailed},
    };
    for (const auto& [error, outcome] : expected) {
        EXPECT_EQ(outcome_of(error), outcome) << words_of(error);
    }
}

TEST(Fault, WhoComesSecondToAFileHearsThatItIsBusy) {
    FilePair pair;
    pair.list({});
    pair.announced = test::kAnything;
    pair.connect();
    FileReceiver second{Reception{.target = *pair.target,
                                  .partials = *pair.store,
                                  .random = pair.random,
                                  .sender = "bob"},
                        test::kAnything};
    const ByteVector content(kSmallBytes + 1, std::byte{'x'});
    ByteVector stream;
    append(stream, Offer{.size = content.size(), .path = "a"});
    // Both are wanted, and neither holds anything before it comes.
    for (FileReceiver* receiver : {pair.receiver.get(), &second}) {
        ASSERT_TRUE(receiver->on_bytes(stream));
        while (receiver->has_work()) receiver->work();
        ASSERT_FALSE(receiver->poll_event());
    }
    stream.clear();
    append(stream, Chunk{.hash = hash_of_chunk(content), .bytes = content});
    ASSERT_TRUE(pair.receiver->on_bytes(stream));
    ASSERT_FALSE(pair.receiver->poll_event());
    ASSERT_TRUE(second.on_bytes(stream));
    const auto event = second.poll_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->ending.outcome, Outcome::kBusy) << event->ending.why;
}

TEST(Manifest, StandsForNamesSizesAndTimesWhateverIsThrough) {
    FilePair pair;
    for (const char* name : {"a", "b"}) write_file(pair.from(name), "content");
    const auto manifest = [&] {
        pair.list({"a", "b"});
        return FileSender::announcement(*pair.source).manifest;
    };
    const auto before = manifest();
    ASSERT_TRUE(before);
    pair.source->entries().front().is_through = true;
    EXPECT_EQ(FileSender::announcement(*pair.source).manifest, before);
    EXPECT_EQ(manifest(), before) << "a new start of the sender";
    const auto time = fs::last_write_time(pair.from("b"));
    fs::last_write_time(pair.from("b"), time + std::chrono::seconds{1});
    EXPECT_NE(manifest(), before);
    fs::last_write_time(pair.from("b"), time);
    EXPECT_EQ(manifest(), before);
    write_file(pair.from("b"), "longer content");
    fs::last_write_time(pair.from("b"), time);
    EXPECT_NE(manifest(), before);
    EXPECT_EQ(SourceTree::of_input("log").manifest(), std::nullopt);
}

}  // namespace
}  // namespace pinhole::peer::files
