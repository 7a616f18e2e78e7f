// json.hpp: the one instantiation of nlohmann's JSON reader in the tests.
#include "support/json.hpp"

template class nlohmann::basic_json<>;

namespace cvt_test {

nlohmann::json parse_json(std::string_view text) { return nlohmann::json::parse(text); }

}  // namespace cvt_test
