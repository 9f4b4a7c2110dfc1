// A QR code (ISO/IEC 18004) as text, for another device's camera.
#pragma once

#include <string>
#include <string_view>

namespace pinhole::peer {

/// Two rows of the code in each line of text, by half blocks, with the quiet zone of four modules
/// around it; `inverts` for a terminal that writes light on dark. Throws std::runtime_error for
/// more text than a code takes (about 2900 bytes).
[[nodiscard]] std::string qr_code(std::string_view text, bool inverts);

}  // namespace pinhole::peer
