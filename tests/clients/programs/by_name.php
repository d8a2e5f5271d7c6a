<?php
// The calls of a script through openapi-generator's PHP client: php by_name.php ADDRESS SCRIPT CLIENT
declare(strict_types=1);

use Kobai\ApiException;
use Kobai\Configuration;

require 'GuzzleHttp/autoload.php';

[, $address, $script, $client] = $argv;
set_error_handler(fn (int $level, string $message) => throw new ErrorException($message));
spl_autoload_register(function (string $name) use ($client): void {
    $file = $client . '/lib/' . str_replace('\\', '/', substr($name, strlen('Kobai\\'))) . '.php';
    if (str_starts_with($name, 'Kobai\\')) {
        require $file;
    }
});
$configuration = (new Configuration())->setHost($address);

$answers = [];
foreach (json_decode(file_get_contents($script)) as $row) {
    $api = 'Kobai\\Api\\' . ucfirst($row->tag) . 'Api';
    $arguments = array_values((array) ($row->arguments ?? []));
    if (isset($row->request)) {
        if (isset($row->state_of)) {
            $row->request->state = $answers[$row->state_of]->getState();
        }
        $model = 'Kobai\\Model\\' . $row->model;
        $arguments = [new $model((array) $row->request), $row->request_id ?? null];
    }
    try {
        $answer = (new $api(null, $configuration))->{$row->operation}(...$arguments);
    } catch (ApiException $error) {
        $answer = $error->getResponseObject();
    }
    $answers[$row->name] = $answer instanceof SplFileObject ? $answer->fread($answer->getSize()) : $answer;
}
echo json_encode($answers, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);
