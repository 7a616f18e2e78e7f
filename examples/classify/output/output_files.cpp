// output_files.hpp: opens the files that the options name.
#include "output/output_files.hpp"

namespace app {
namespace {

std::unique_ptr<npy_rows> open_rows(const std::string& path, std::vector<std::size_t> row_shape) {
    return path.empty() ? nullptr : std::make_unique<npy_rows>(path, std::move(row_shape));
}

}  // namespace

output_files::output_files(const options& o, const cvt::config& c, std::optional<cvt::grid> input_size)
    : logits{open_rows(o.logits, {static_cast<std::size_t>(c.num_classes)})},
      embedding{open_rows(o.embedding, {static_cast<std::size_t>(c.last_stage().embed_dim)})} {
    if (input_size)
        input = open_rows(o.dump_input, {static_cast<std::size_t>(c.num_channels), static_cast<std::size_t>(input_size->height),
                                         static_cast<std::size_t>(input_size->width)});
    if (!o.attention.empty()) attention = std::make_unique<picture_folder>(o.attention, o.shard);
}

void output_files::begin() {
    for (npy_rows* rows : {logits.get(), embedding.get(), input.get()})
        if (rows != nullptr) rows->begin();
}

}  // namespace app
