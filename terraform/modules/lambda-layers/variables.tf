variable "packages_dir" {
  description = "Folder that `reporting build` made, with manifest.json and the layers' zips. Not read with use_external_layer_arns."
  type        = string

  validation {
    condition     = var.use_external_layer_arns || fileexists("${var.packages_dir}/manifest.json")
    error_message = "There is no manifest.json in packages_dir: run `reporting build REPORT --out DIR` first, and name that folder."
  }
}

variable "owner" {
  description = "Name of this deployment, such as event-log-checkpoint-dev: of all that share layers, who publishes which."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,128}$", var.owner))
    error_message = "owner is 1 to 128 letters, digits, dots, hyphens and underscores."
  }
}

variable "name_prefix" {
  description = "Prefix of the layers' names: PREFIX-powertools-layer and PREFIX-data-layer."
  type        = string
  default     = "reporting"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,100}$", var.name_prefix))
    error_message = "name_prefix is 1 to 100 letters, digits, hyphens and underscores."
  }
}

variable "artifact_bucket" {
  description = "Bucket through which zips of more than 50 MB reach Lambda (the data layer has 58 MB)."
  type        = string
  default     = null
}

variable "reuse_existing_layers" {
  description = "Take a layer that another deployment in this account and region has published, where its content is the same."
  type        = bool
  default     = true
}

variable "use_external_layer_arns" {
  description = "Publish no layers; take external_layer_arns."
  type        = bool
  default     = false

  validation {
    condition     = !var.use_external_layer_arns || !var.force_layer_update
    error_message = "use_external_layer_arns and force_layer_update contradict each other: external layers are published elsewhere. Set one of them."
  }

  validation {
    condition     = var.use_external_layer_arns == (length(var.external_layer_arns) > 0)
    error_message = "use_external_layer_arns and external_layer_arns go together: give the ARNs of all layers that the function needs and set use_external_layer_arns, or give neither."
  }
}

variable "external_layer_arns" {
  description = "ARNs of layer versions, in the order in which the function shall have them; with use_external_layer_arns."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for arn in var.external_layer_arns :
      can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", arn))
    ])
    error_message = "Each of external_layer_arns names a layer with its version: arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION."
  }

  validation {
    condition     = length(var.external_layer_arns) <= 5
    error_message = "A Lambda function has at most 5 layers."
  }
}

variable "force_layer_update" {
  description = "Publish new versions in this apply, whether or not the content has changed. Unset it afterwards: each apply with it publishes again."
  type        = bool
  default     = false
}

variable "retain_layer_versions" {
  description = "Leave versions in the account when new ones take their place, or all is destroyed: others may use them."
  type        = bool
  default     = true
}

variable "record_path" {
  description = "Path in the SSM parameter store under which published layers are recorded by their content."
  type        = string
  default     = "/reporting/layers"

  validation {
    condition     = can(regex("^(/[A-Za-z0-9._-]+){1,10}$", var.record_path)) && !can(regex("^/(aws|ssm)", lower(var.record_path)))
    error_message = "record_path is a path such as /reporting/layers, of letters, digits, dots, hyphens and underscores, and does not begin with /aws or /ssm."
  }
}

variable "tags" {
  description = "Tags of all that can have them."
  type        = map(string)
  default     = {}
}
