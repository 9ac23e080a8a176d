output "layer_arns" {
  description = "ARNs of the layer versions that the function shall have, in order."
  value       = var.use_external_layer_arns ? var.external_layer_arns : [for key in sort(keys(local.arns)) : local.arns[key]]
}

output "layer_versions" {
  description = "Version numbers, by ARN without version."
  value = {
    for arn in distinct(var.use_external_layer_arns ? var.external_layer_arns : values(local.arns)) :
    join(":", slice(split(":", arn), 0, 7)) => tonumber(split(":", arn)[7])
  }
}

output "strategy" {
  description = "By layer: published here, reused from another deployment, or external."
  value = var.use_external_layer_arns ? { for arn in var.external_layer_arns : arn => "external" } : {
    for key in keys(local.layers) : key => contains(keys(local.owned), key) ? "published" : "reused"
  }
}
