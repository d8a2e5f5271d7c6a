# The calls of a script through openapi-generator's Ruby client: ruby -I ruby/lib by_name.rb ADDRESS SCRIPT
require "json"
require "kobai"

address, script = ARGV
configuration = Kobai::Configuration.new
configuration.scheme, configuration.host = address.split("://")
client = Kobai::ApiClient.new(configuration)

def plain(answer)
  return answer.transform_values { |value| plain(value) } if answer.is_a?(Hash)

  answer.respond_to?(:to_hash) ? answer.to_hash : answer
end

answers = {}
JSON.parse(File.read(script)).each do |row|
  api = Kobai.const_get("#{row["tag"].capitalize}Api").new(client)
  arguments = (row["arguments"] || {}).values
  if row["request"]
    row["request"]["state"] = answers[row["state_of"]][:state] if row["state_of"]
    arguments << Kobai.const_get(row["model"]).build_from_hash(row["request"])
  end
  options = row["request_id"] ? { x_request_id: row["request_id"] } : {}
  method = row["operation"].gsub(/([A-Z])/) { "_#{$1.downcase}" }
  answers[row["name"]] =
    begin
      plain(api.public_send(method, *arguments, options))
    rescue Kobai::ApiError => error
      Kobai::Problem.build_from_hash(JSON.parse(error.response_body)).to_hash
    end
end
puts JSON.generate(answers)
