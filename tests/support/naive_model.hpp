// A whole forward pass in float64, built from the naive operations: the reference for cases without a golden file.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <cvt/config.hpp>

#include "naive.hpp"

namespace cvt_test::naive {

/// The results of a forward pass. `stages` are (channels, positions), `cls_attention` (heads, keys - 1) or 0 x 0.
struct forward_result {
    std::vector<double> logits, embedding;
    std::vector<matrix> stages;
    matrix cls_attention;
};

/// Reads tensors by official name from `read`, a function like cvt::weight_source's.
class model {
public:
    using read_function = cvt::error (*)(void*, const char*, std::span<const std::int64_t>, float*);

    model(const cvt::config& c, void* context, read_function read) : config_{c}, context_{context}, read_{read} {}

    /// `image` is (num_channels, size.height, size.width).
    forward_result forward(std::span<const float> image, cvt::grid size) const {
        forward_result out;
        matrix x = transpose(matrix{config_.num_channels, size.tokens(), image});
        matrix cls;
        for (int i = 0; i < config_.num_stages; ++i) {
            const cvt::stage_config& s = config_.stage[static_cast<std::size_t>(i)];
            const std::string at = "stage" + std::to_string(i) + ".";
            const int d = s.embed_dim, p = s.patch_size;
            x = conv2d(x, size, tensor(at + "patch_embed.proj.weight", {d, static_cast<int>(x.cols), p, p}),
                       tensor(at + "patch_embed.proj.bias", {d}), p, s.patch_stride, s.patch_padding);
            size = conv_grid(size, p, s.patch_stride, s.patch_padding);
            x = norm(x, at + "patch_embed.norm.");
            if (s.cls_token) x = stack(matrix{1, d, tensor(at + "cls_token", {1, 1, d})}, x);
            for (int j = 0; j < s.depth; ++j) x = block(x, s, at + "blocks." + std::to_string(j) + ".", size, out.cls_attention);
            cls = s.cls_token ? rows(x, 0, 1) : matrix{};
            if (s.cls_token) x = rows(x, 1, x.rows - 1);
            out.stages.push_back(transpose(x));
        }
        if (cls.rows != 0)
            x = cls;
        else
            out.cls_attention = {};
        if (config_.final_norm) x = norm(x, "norm.");
        matrix mean{1, x.cols};
        for (std::ptrdiff_t t = 0; t < x.rows; ++t)
            for (std::ptrdiff_t c = 0; c < x.cols; ++c) mean(0, c) += x(t, c) / static_cast<double>(x.rows);
        out.embedding = mean.values;
        const int k = config_.num_classes, d = static_cast<int>(x.cols);
        if (k != 0) out.logits = linear(mean, tensor("head.weight", {k, d}), tensor("head.bias", {k})).values;
        return out;
    }

    // The parts of a forward pass, as references for the layers. `at` is the prefix of the tensor names.
    std::vector<float> tensor(const std::string& name, std::initializer_list<int> extents) const {
        const std::vector<std::int64_t> shape(extents.begin(), extents.end());
        std::size_t count = 1;
        for (const int n : extents) count *= static_cast<std::size_t>(n);
        std::vector<float> values(count);
        if (read_(context_, name.c_str(), shape, values.data())) values.assign(count, std::numeric_limits<float>::quiet_NaN());
        return values;
    }

    matrix norm(const matrix& x, const std::string& at) const {
        const int d = static_cast<int>(x.cols);
        return layer_norm(x, tensor(at + "weight", {d}), tensor(at + "bias", {d}));
    }

    matrix block(const matrix& x, const cvt::stage_config& s, const std::string& at, cvt::grid g, matrix& cls_attention) const {
        const int d = s.embed_dim, hidden = s.hidden_dim();
        const matrix y = norm(x, at + "norm1.");
        const matrix q = project(y, s, at + "attn.", 'q', g), k = project(y, s, at + "attn.", 'k', g),
                     v = project(y, s, at + "attn.", 'v', g);
        const matrix a = attention(q, k, v, s.num_heads, 1 / std::sqrt(static_cast<double>(d)), &cls_attention);
        const matrix z = add(x, linear(a, tensor(at + "attn.proj.weight", {d, d}), tensor(at + "attn.proj.bias", {d})));
        const matrix m = linear(norm(z, at + "norm2."), tensor(at + "mlp.fc1.weight", {hidden, d}), tensor(at + "mlp.fc1.bias", {hidden}));
        return add(z, linear(gelu(m, config_.gelu), tensor(at + "mlp.fc2.weight", {d, hidden}), tensor(at + "mlp.fc2.bias", {d})));
    }

    matrix project(const matrix& x, const cvt::stage_config& s, const std::string& at, char which, cvt::grid g) const {
        const int d = s.embed_dim, cls = s.cls_token ? 1 : 0, k = s.kernel_qkv;
        const int stride = which == 'q' ? s.stride_q : s.stride_kv, padding = which == 'q' ? s.padding_q : s.padding_kv;
        matrix y = rows(x, cls, x.rows - cls);
        if (s.qkv_projection == cvt::projection::dw_bn) {
            const std::string conv = at + "conv_proj_" + which + ".";
            y = depthwise(y, g, tensor(conv + "conv.weight", {d, 1, k, k}), k, stride, padding);
            y = batch_norm(y, tensor(conv + "bn.weight", {d}), tensor(conv + "bn.bias", {d}), tensor(conv + "bn.running_mean", {d}),
                           tensor(conv + "bn.running_var", {d}));
        } else if (s.qkv_projection == cvt::projection::avg && which != 'q') {
            y = avg_pool(y, g, k, stride, padding);
        }
        const std::string proj = at + "proj_" + which + ".";
        return linear(stack(rows(x, 0, cls), y), tensor(proj + "weight", {d, d}),
                      s.qkv_bias ? tensor(proj + "bias", {d}) : std::vector<float>{});
    }

private:
    cvt::config config_;
    void* context_;
    read_function read_;
};

}  // namespace cvt_test::naive
