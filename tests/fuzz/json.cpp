// Fuzz target: a JSON text, read as a document, a config.json, a preprocessor_config.json and the record of a self-test.
#include <cvt/checkpoint/hf_config.hpp>
#include <cvt/checkpoint/hf_preprocessor.hpp>
#include <cvt/checkpoint/self_test.hpp>
#include <cvt/image.hpp>

#include "fuzz.hpp"

namespace {

/// Checks the consistency of the tree.
std::size_t walk(const cvt::checkpoint::json_value& value) {
    using cvt::checkpoint::json_kind;
    if (value.is(json_kind::string)) return value.string().size();
    if (!value.is(json_kind::array) && !value.is(json_kind::object)) return 1;
    std::size_t children = 0, total = 1;
    for (auto v = value.first(); v; v = v.next(), ++children) {
        if (value.is(json_kind::object)) cvt_fuzz::require(static_cast<bool>(value.find(v.key())), "a member that find() does not find");
        total += walk(v);
    }
    cvt_fuzz::require(children == value.size(), "a container whose length differs from its size");
    return total;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = cvt_fuzz::text_of(data, size);
    using namespace cvt::checkpoint;
    {
        cvt_fuzz::memory::begin();
        const cvt::result<json> document = json::parse(text);
        cvt_fuzz::memory::finish(size, 64);
        if (!document) return cvt_fuzz::refused(document.error());
        walk(document->root());
    }
    cvt_fuzz::memory::begin();
    const cvt::result<hf_config> config = read_hf_config(text);
    cvt_fuzz::memory::finish(size, 96);
    if (!config) cvt_fuzz::refused(config.error());
    if (config) cvt_fuzz::require(!cvt::validate(config->config), "an invalid configuration");
    const cvt::result<cvt::preprocessing> preprocessing = read_hf_preprocessor(text);
    if (!preprocessing) cvt_fuzz::refused(preprocessing.error());
    if (preprocessing) (void)cvt::output_size(*preprocessing, 640, 480);
    const cvt::result<self_test> record = read_self_test(text);
    if (!record) cvt_fuzz::refused(record.error());
    return 0;
}
