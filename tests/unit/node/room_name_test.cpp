#include "shared/node/room_name.hpp"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pinhole::node {
namespace {

wire::Id id(const std::string& text) {
    return wire::Id::parse(text).value_or(wire::Id{});
}

crypto::Psk key_of(const std::string& hex) {
    FixedBytes<32> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
    }
    return crypto::Psk{bytes};
}

// Bytes that scripts/make_vectors made, independently of our code.
TEST(RoomName, IsThatOfTheVectors) {
    std::ifstream stream{PINHOLE_SOURCE_DIR "/tests/vectors/room_name.json"};
    const auto file = nlohmann::json::parse(stream);
    ASSERT_GE(file.at("vectors").size(), 4U);
    for (const auto& vector : file.at("vectors")) {
        const auto room = vector.at("room").get<std::string>();
        SCOPED_TRACE(room);
        EXPECT_EQ(room_name_on_wire(id(room), key_of(vector.at("key"))).text(),
                  vector.at("on_wire").get<std::string>());
    }
}

TEST(RoomName, DependsOnTheRoomAndTheKey) {
    const crypto::Psk one{FixedBytes<32>{std::byte{1}}};
    const crypto::Psk other{FixedBytes<32>{std::byte{2}}};
    EXPECT_NE(room_name_on_wire(id("garden"), one), room_name_on_wire(id("garden"), other));
    EXPECT_NE(room_name_on_wire(id("garden"), one), room_name_on_wire(id("kitchen"), one));
    EXPECT_EQ(room_name_on_wire(id("garden"), crypto::Psk{}), id("garden"));
}

}  // namespace
}  // namespace pinhole::node
